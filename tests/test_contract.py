import contract
import pytest


def cases(*names):
    """The runs of these cases, made once for all tests; see conftest.py."""
    return pytest.mark.parametrize("run", names, indirect=True, scope="session")


every_model = cases(*contract.MODELS)


def but(*names):
    """All models but those that take the same way through the code."""
    others = [name for name in contract.MODELS if name not in names]
    assert len(others) == len(contract.MODELS) - len(set(names))
    return cases(*others)


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
# Those that differ in what a file must hold for another process, which traces
# anew: parameters of units, a schedule and chains; a search and its memory;
# a running mean of the Fisher matrix; a network; two of them.
new_process = cases(
    "energy real",
    "rbm gaussian",
    "boltzmann lbfgs",
    "boltzmann potts",
    "gan images",
)
# Keras's callback, for the same states, in what `from_config` makes.
INTERRUPTED = (
    "rbm gaussian",
    "maxent newton",
    "boltzmann lbfgs",
    "boltzmann potts",
    "gan points",
)
interrupted = cases(*INTERRUPTED)
# Those that differ in how they are drawn: layer by layer; by the transfer
# matrix and site by site; from the cells of a grid and by continuous moves; of
# a class and of a cluster.
served = cases(
    "deep",
    "energy real",
    "rbm gaussian",
    "maxent strip",
    "maxent real chains",
    "gan images",
    "gan clusters",
)
# Those that differ in how they run through Keras's loops; of RBMs the one that
# scales its loss besides.
LOOPS = (
    "rbm float16",
    "rbm conditional",
    "rbm labelled",
    "maxent newton",
    "maxent conditional",
    "maxent chains",
    "boltzmann lbfgs",
    "boltzmann adam",
    "gan images",
    "gan clusters",
)
each_loop = cases(*LOOPS)
# Batches are dealt in one place for all: for bits, and for real numbers.
shuffled = cases("boltzmann adam", "rbm gaussian")


@pytest.fixture(scope="session")
def resuming():
    child = contract.Child(contract.RESUMES)
    yield child
    child.close()


@new_process
def test_resumes_bit_for_bit_in_another_process(run, resuming):
    contract.check_resumes_in_another_process(run, resuming)


@every_model
def test_epochs_add_up(run):
    contract.check_epochs_add_up(run)


@every_model
def test_no_epochs_train_nothing(run):
    contract.check_no_epochs_train_nothing(run)


@interrupted
def test_backup_and_restore_resumes_bit_for_bit(run, tmp_path):
    contract.check_backup_and_restore(run, tmp_path)


# The others are resumed so by the checks of interruptions and of loops.
@but(*INTERRUPTED, *LOOPS)
def test_config_and_weights_file_resume_bit_for_bit(run):
    contract.check_config_and_weights_file_resume(run)


@each_loop
def test_keras_habits(run):
    contract.check_keras_habits(run)


@each_loop
def test_many_steps_in_one_call(run):
    contract.check_config_and_weights_file_resume(run, at_once=3)


@shuffled
def test_epochs_are_shuffled_anew(run):
    contract.check_epochs_are_shuffled_anew(run)


@served
def test_serves_without_genzoo(run, tmp_path, serving):
    contract.check_serves_without_genzoo(run, tmp_path, serving)


@each_sampler
def test_samples(run):
    contract.check_samples(run)
