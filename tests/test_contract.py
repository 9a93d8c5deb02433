import contract
import pytest

every_model = pytest.mark.parametrize("name", contract.MODELS)


def but(*names):
    """All models but those that take the same way through the code."""
    others = [name for name in contract.MODELS if name not in names]
    assert len(others) == len(contract.MODELS) - len(names)
    return pytest.mark.parametrize("name", others)


# RBMs without chains have the same weights, and so have Boltzmann machines.
each_state = but(
    "rbm exact",
    "rbm pseudolikelihood",
    "rbm bfloat16",
    "rbm spins",
    "boltzmann cd",
    "boltzmann flow",
    "gan points",
    "gan images",
)
# Samples do not depend on the rule that the model was trained by.
each_sampler = but(
    "rbm cd",
    "rbm exact",
    "rbm pseudolikelihood",
    "rbm bfloat16",
    "boltzmann adam",
    "boltzmann cd",
    "gan images",
)
# Those that differ in what a file must hold for a new process, which costs
# seconds: parameters of units, a schedule and chains; a search and its memory;
# a running mean of the Fisher matrix; two networks.
new_process = pytest.mark.parametrize(
    "name",
    [
        "rbm gaussian",
        "boltzmann lbfgs",
        "boltzmann potts",
        "gan images",
    ],
)
# Keras's callback, for the same states.
interrupted = pytest.mark.parametrize(
    "name",
    [
        "rbm gaussian",
        "maxent newton",
        "boltzmann lbfgs",
        "boltzmann potts",
        "gan points",
    ],
)
# Those that differ in how they are drawn: layer by layer; by the transfer
# matrix and site by site; from the cells of a grid and by continuous moves; of
# a class and of a cluster.
served = pytest.mark.parametrize(
    "name",
    [
        "rbm gaussian",
        "maxent strip",
        "maxent real chains",
        "gan images",
        "gan clusters",
    ],
)
# Those that differ in how they run through Keras's loops.
each_loop = pytest.mark.parametrize(
    "name",
    [
        "rbm pcd",
        "rbm pseudolikelihood",
        "rbm float16",
        "maxent newton",
        "maxent chains",
        "boltzmann lbfgs",
        "boltzmann adam",
        "gan images",
        "gan clusters",
    ],
)
# Batches are dealt in one place for all: for bits, and for real numbers.
shuffled = pytest.mark.parametrize("name", ["boltzmann adam", "rbm gaussian"])


@new_process
def test_resumes_bit_for_bit_in_a_new_process(name, tmp_path):
    contract.check_resumes_in_a_new_process(name, tmp_path)


@each_state
def test_weights_file_resumes_bit_for_bit(name, tmp_path):
    contract.check_weights_file_resumes(name, tmp_path)


@interrupted
def test_backup_and_restore_resumes_bit_for_bit(name, tmp_path):
    contract.check_backup_and_restore(name, tmp_path)


@every_model
def test_config_round_trip(name):
    contract.check_config_round_trip(name)


@each_loop
def test_keras_habits(name):
    contract.check_keras_habits(name)


@each_loop
def test_many_steps_in_one_call(name):
    contract.check_many_steps_in_one_call(name)


@shuffled
def test_epochs_are_shuffled_anew(name):
    contract.check_epochs_are_shuffled_anew(name)


@served
def test_serves_without_genzoo(name, tmp_path):
    contract.check_serves_without_genzoo(name, tmp_path)


@each_sampler
def test_samples(name):
    contract.check_samples(name)
