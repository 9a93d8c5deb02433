import contract
import pytest

every_model = pytest.mark.parametrize("name", contract.MODELS)
# Those that differ in what a save must hold; a new process costs seconds.
representative = pytest.mark.parametrize(
    "name",
    [
        "rbm pcd",
        "rbm gaussian",
        "maxent newton",
        "maxent strip",
        "maxent real chains",
        "boltzmann lbfgs",
        "boltzmann potts",
    ],
)
# Those that differ in how they run through Keras's loops.
each_loop = pytest.mark.parametrize(
    "name",
    [
        "rbm pcd",
        "rbm exact",
        "rbm pseudolikelihood",
        "rbm float16",
        "rbm gaussian",
        "maxent newton",
        "maxent chains",
        "maxent real chains",
        "boltzmann lbfgs",
        "boltzmann adam",
    ],
)
shuffled = pytest.mark.parametrize(
    "name",
    [name for name, case in contract.MODELS.items() if case.is_shuffled],
)


@representative
def test_resumes_bit_for_bit_in_a_new_process(name, tmp_path):
    contract.check_resumes_in_a_new_process(name, tmp_path)


@every_model
def test_weights_file_resumes_bit_for_bit(name, tmp_path):
    contract.check_weights_file_resumes(name, tmp_path)


@representative
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


@representative
def test_serves_without_genzoo(name, tmp_path):
    contract.check_serves_without_genzoo(name, tmp_path)


@every_model
def test_samples(name):
    contract.check_samples(name)
