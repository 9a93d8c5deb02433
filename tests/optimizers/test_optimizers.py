"""The solvers, on objectives whose minima are known without them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz
from genzoo.optimizers import LBFGS, Evaluation, NaturalGradient, Newton
from genzoo.optimizers.lasso import lasso as least_with_l1

SOLVERS = {"newton": Newton, "lbfgs": LBFGS}
every_solver = pytest.mark.parametrize("make", SOLVERS.values(), ids=SOLVERS)


class Search:
    """A solver at work on an objective, given by value, gradient, Hessian."""

    def __init__(self, solver, objective, start, dtype="float64", **options):
        self.variable = keras.Variable(np.array(start, dtype), dtype=dtype)
        self.solver = solver
        self.objective = objective
        self.options = options
        self.evaluations = 0
        solver.build([self.variable])
        self.step = tf.function(self._step, autograph=False)

    def _step(self):
        def evaluate():
            x = tf.convert_to_tensor(self.variable.value)
            return Evaluation(*self.objective(x))

        return self.solver.advance(self.variable, evaluate, **self.options)

    def run(self, steps, until=0.0):
        for _ in range(steps):
            value, residual = (float(v) for v in self.step())
            self.evaluations += 1
            if residual <= until:
                break
        return value, residual

    @property
    def x(self):
        return self.variable.numpy()


def quadratic(n=12, seed=0):
    rng = np.random.default_rng(seed)
    factor = rng.standard_normal((3 * n, n))
    # Parameters of very different size, as features are.
    scale = 2.0 ** rng.uniform(-1, 1, n)
    hessian = (factor.T @ factor) * np.outer(scale, scale)
    linear = rng.standard_normal(n) * scale

    def objective(x):
        product = tf.linalg.matvec(tf.constant(hessian), x)
        value = tf.reduce_sum(x * (0.5 * product - linear))
        return value, product - linear, tf.constant(hessian)

    return objective, np.linalg.solve(hessian, linear)


def logistic(n=5, rows=60):
    rng = np.random.default_rng(1)
    inputs = tf.constant(rng.standard_normal((rows, n)))
    signs = tf.constant(np.sign(rng.standard_normal(rows)))

    def objective(x):
        margin = signs * tf.linalg.matvec(inputs, x)
        p = tf.sigmoid(-margin)
        value = tf.reduce_mean(tf.nn.softplus(-margin))
        gradient = -tf.linalg.matvec(inputs, p * signs, transpose_a=True) / rows
        weighted = inputs * (p * (1 - p))[:, None]
        hessian = tf.matmul(inputs, weighted, transpose_a=True) / rows
        return value, gradient, hessian

    return objective


def test_one_newton_step_solves_a_quadratic():
    objective, solution = quadratic()
    # Near enough that the step is not shortened.
    search = Search(Newton(), objective, solution + 1e-3)
    search.run(2)
    # The first evaluation is at the start, the second at the solution.
    assert search.evaluations == 2
    error = np.abs(search.x - solution) / np.abs(solution)
    assert error.max() < 1e-9


@every_solver
@pytest.mark.parametrize("problem", ["quadratic", "logistic"])
def test_convex_problems_are_solved(make, problem):
    if problem == "quadratic":
        objective, solution = quadratic()
    else:
        objective, solution = logistic(), None
    search = Search(
        make(), objective, np.zeros(12 if solution is not None else 5)
    )
    _, residual = search.run(300, until=1e-9)
    assert residual <= 1e-9
    if solution is not None:
        np.testing.assert_allclose(search.x, solution, atol=1e-8)
    gradient = objective(tf.constant(search.x))[1]
    np.testing.assert_allclose(gradient, 0, atol=1e-9)


def test_the_two_loops_are_the_inverse_hessian_of_bfgs():
    """The direction is that of the dense update from the same steps."""
    rng = np.random.default_rng(0)
    solver = LBFGS(memory=5)
    solver.build([keras.Variable(np.zeros(7), dtype="float64")])
    factor = rng.standard_normal((20, 7))
    # Two places of the memory are not filled yet.
    steps = np.concatenate([np.zeros((2, 7)), rng.standard_normal((3, 7))])
    changes = steps @ factor.T @ factor
    for past, value in zip(solver.steps, steps, strict=True):
        past.assign(value)
    for past, value in zip(solver.changes, changes, strict=True):
        past.assign(value)
    gradient, one = rng.standard_normal(7), np.eye(7)
    inverse = one * (steps[-1] @ changes[-1]) / (changes[-1] @ changes[-1])
    for s, y in zip(steps[2:], changes[2:], strict=True):
        left = one - np.outer(s, y) / (s @ y)
        inverse = left @ inverse @ left.T + np.outer(s, s) / (s @ y)
    ones = tf.ones(7, tf.float64)
    found = solver.direction(None, tf.constant(gradient), ones)
    np.testing.assert_allclose(found, -inverse @ gradient, rtol=1e-10)


def test_a_value_never_rises():
    search = Search(LBFGS(), logistic(), 5 * np.ones(5))
    values = [float(search.step()[0]) for _ in range(40)]
    assert (np.diff(values) < 1e-12).all()
    # What is reported is the value where the variable stands.
    value = float(search.objective(tf.constant(search.x))[0])
    np.testing.assert_allclose(values[-1], value, rtol=1e-14)


def log_cosh(x):
    value = tf.reduce_sum(tf.math.log(tf.cosh(x)))
    return value, tf.tanh(x), tf.linalg.diag(1 / tf.cosh(x) ** 2)


def barrier(x):
    """x - log x: not a number below zero, least at one."""
    value = tf.reduce_sum(x - tf.math.log(x))
    return value, 1 - 1 / x, tf.linalg.diag(1 / x**2)


@every_solver
def test_backtracking_from_a_bad_start(make):
    # A full Newton step from 2 leads to -11.6, and further from there.
    search = Search(make(), log_cosh, [2.0, -1.5])
    search.run(100, until=1e-12)
    np.testing.assert_allclose(search.x, 0, atol=1e-10)
    # A full step from 3 leads to -3, where there is no value.
    search = Search(make(), barrier, [3.0, 0.1])
    search.run(100, until=1e-12)
    np.testing.assert_allclose(search.x, 1, atol=1e-10)


def test_a_refused_trial_leaves_the_variable_where_it_was():
    search = Search(Newton(), barrier, [3.0])
    first = search.run(1)
    assert search.run(1) == first
    np.testing.assert_array_equal(search.x, [3.0])
    assert float(search.solver.accepted.numpy()) == 0
    np.testing.assert_allclose(first, [3 - np.log(3), 2 / 3])


@every_solver
def test_held_parameters_do_not_move(make):
    objective, _ = quadratic()
    mask = np.ones(12)
    mask[[2, 7]] = 0
    start = np.full(12, 0.3)
    search = Search(make(), objective, start, mask=tf.constant(mask))
    search.run(300, until=1e-9)
    np.testing.assert_array_equal(search.x[[2, 7]], 0.3)
    gradient = objective(tf.constant(search.x))[1].numpy()
    np.testing.assert_allclose(gradient[mask > 0], 0, atol=1e-9)
    assert np.abs(gradient[[2, 7]]).min() > 1e-3


def lasso(n=15):
    """A quadratic of condition about 30, and weights of its L1 term."""
    rng = np.random.default_rng(4)
    factor = rng.standard_normal((2 * n, n))
    hessian = factor.T @ factor / (2 * n)
    linear = rng.standard_normal(n)
    l1 = np.linspace(0.2, 0.8, n)
    l1[3] = 0

    def objective(x):
        product = tf.linalg.matvec(tf.constant(hessian), x)
        value = tf.reduce_sum(x * (0.5 * product - linear))
        return value, product - linear, tf.constant(hessian)

    return objective, l1


@every_solver
@pytest.mark.parametrize("start", ["zeros", "far"])
def test_an_l1_term_gives_exact_zeros_and_its_optimality(make, start):
    objective, l1 = lasso()
    x0 = np.zeros(15)
    if start == "far":
        x0 = 3 * np.random.default_rng(0).standard_normal(15)
    search = Search(make(), objective, x0, l1=tf.constant(l1))
    value, residual = search.run(400, until=1e-10)
    assert residual <= 1e-10
    x = search.x
    gradient = objective(tf.constant(x))[1].numpy()
    zero = x == 0
    assert 3 <= zero.sum() <= 12
    assert (np.abs(gradient[zero]) <= l1[zero] + 1e-10).all()
    np.testing.assert_allclose(
        gradient[~zero], -(l1 * np.sign(x))[~zero], atol=1e-9
    )
    assert x[3] != 0
    smooth = float(objective(tf.constant(x))[0])
    np.testing.assert_allclose(value, smooth + l1 @ np.abs(x), rtol=1e-12)


@every_solver
def test_a_search_resumes_from_its_variables(make):
    objective, l1 = lasso()
    first = Search(make(), objective, np.full(15, 2.0), l1=tf.constant(l1))
    first.run(6)
    second = Search(make(), objective, first.x, l1=tf.constant(l1))
    for old, new in zip(
        first.solver.variables, second.solver.variables, strict=True
    ):
        new.assign(old)
    assert first.run(6) == second.run(6)
    np.testing.assert_array_equal(first.x, second.x)
    # and without them it would have gone another way
    third = Search(make(), objective, np.full(15, 2.0), l1=tf.constant(l1))
    third.run(6)
    third.solver.reset()
    third.run(6)
    if make is LBFGS:
        assert (third.x != first.x).any()


@every_solver
def test_a_new_objective_after_a_reset(make):
    search = Search(make(), quadratic(seed=0)[0], np.zeros(12))
    search.run(200, until=1e-9)
    objective, solution = quadratic(seed=5)
    other = Search(make(), objective, search.x)
    for old, new in zip(
        search.solver.variables, other.solver.variables, strict=True
    ):
        new.assign(old)
    search = other
    search.solver.reset()
    _, residual = search.run(400, until=1e-8)
    assert residual <= 1e-8
    np.testing.assert_allclose(search.x, solution, atol=1e-6)


def test_single_precision_ends_at_its_rounding():
    def objective(x):
        value, gradient, _ = log_cosh(x)
        return value, gradient

    search = Search(LBFGS(), objective, [1.0, 2.0], dtype="float32")
    search.run(60)
    assert search.x.dtype == np.float32
    np.testing.assert_allclose(search.x, 0, atol=2e-6)


def test_newton_for_a_singular_hessian_takes_what_can_be_solved():
    # Two parameters of which only the sum counts: finite, and stationary.
    def objective(x):
        total = tf.reduce_sum(x)
        one = tf.ones((2,), tf.float64)
        return (
            tf.exp(total) - total,
            (tf.exp(total) - 1) * one,
            tf.exp(total) * tf.ones((2, 2), tf.float64),
        )

    search = Search(Newton(), objective, [2.0, 1.0])
    search.run(60, until=1e-12)
    assert np.isfinite(search.x).all()
    np.testing.assert_allclose(search.x.sum(), 0, atol=1e-10)


def step_of_natural_gradient(gradient, fisher, steps=1, **options):
    variable = keras.Variable(np.zeros(len(gradient)), dtype="float64")
    optimizer = NaturalGradient(**options)
    optimizer.build([variable])
    for _ in range(steps):
        optimizer.advance_noisy(
            variable,
            tf.constant(gradient),
            tf.constant(fisher),
            chains=10**12,
            l1=tf.zeros_like(variable),
            mask=tf.ones_like(variable),
        )
    return variable.numpy()


def test_the_natural_gradient_follows_the_inverse_fisher_matrix():
    factor = np.random.default_rng(0).standard_normal((40, 4))
    fisher = factor.T @ factor
    gradient = 1e-3 * np.array([1.0, -2.0, 0.5, 3.0])
    exact = np.linalg.solve(fisher, gradient)
    # The diagonal is raised by a little.
    close = {"rtol": 0.02}
    np.testing.assert_allclose(
        step_of_natural_gradient(gradient, fisher, learning_rate=0.25),
        -0.25 * exact,
        **close,
    )
    # The rate falls as 1 / (1 + t / decay_steps).
    np.testing.assert_allclose(
        step_of_natural_gradient(
            gradient, fisher, 5, learning_rate=0.25, decay_steps=2
        ),
        -0.25 * sum(1 / (1 + t / 2) for t in range(5)) * exact,
        **close,
    )
    # A schedule is taken as it is.
    schedule = keras.optimizers.schedules.ExponentialDecay(0.25, 1, 0.5)
    np.testing.assert_allclose(
        step_of_natural_gradient(gradient, fisher, 3, learning_rate=schedule),
        -0.25 * (1 + 0.5 + 0.25) * exact,
        **close,
    )


def test_a_natural_step_is_no_longer_than_asked():
    fisher = np.diag([4.0, 9.0])
    for size in (1.0, 0.1):
        step = step_of_natural_gradient(
            np.array([500.0, -800.0]), fisher, max_change=size
        )
        length = np.sqrt(step @ fisher @ step)
        np.testing.assert_allclose(length, size, rtol=0.02)


def test_configurations_round_trip():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.3, 7, 0.5)
    for optimizer in (
        Newton(name="solver"),
        LBFGS(memory=4),
        NaturalGradient(0.2, decay_steps=9, max_change=0.5),
        NaturalGradient(schedule),
    ):
        config = keras.optimizers.serialize(optimizer)
        again = keras.optimizers.deserialize(config)
        assert type(again) is type(optimizer)
        assert again.get_config() == optimizer.get_config()
    np.testing.assert_allclose(again.learning_rate, 0.3)


@pytest.mark.parametrize("memory", [0, -1, 2.5, "ten"])
def test_a_memory_is_a_positive_int(memory):
    with pytest.raises(ValueError, match="LBFGS: memory must be a positive"):
        LBFGS(memory)


@pytest.mark.parametrize("make", [Newton, LBFGS, NaturalGradient])
def test_gradients_alone_are_refused(make):
    variable = keras.Variable(np.zeros(3), dtype="float64")
    optimizer = make()
    optimizer.build([variable])
    with pytest.raises(ValueError, match=f"{make.__name__} needs the"):
        optimizer.apply([tf.ones(3, tf.float64)], [variable])


def test_several_variables_are_refused():
    for make in (Newton, LBFGS):
        with pytest.raises(ValueError, match="one vector of parameters"):
            make().build([keras.Variable([1.0]), keras.Variable([1.0])])
    rbm = gz.RBM(gz.units.Bernoulli(3), gz.units.Bernoulli(2))
    with pytest.raises(ValueError, match="one vector of parameters"):
        rbm.compile(LBFGS())


@pytest.mark.parametrize("copies", [1, 3])
def test_a_quadratic_with_an_l1_term_is_solved_at_once(copies):
    """Of rank 8 in 40 parameters, or each of them three times."""
    rng = np.random.default_rng(7)
    factor = np.repeat(rng.standard_normal((8, 40)), copies, axis=1)
    factor *= 10.0 ** rng.uniform(-3, 3, factor.shape[1])
    hessian = factor.T @ factor
    gradient = 5 * factor.T @ rng.standard_normal(8)
    size = np.sqrt(np.diag(hessian))
    l1 = size * rng.uniform(0, 3, len(size))
    z = least_with_l1(
        *(tf.constant(part) for part in (hessian, gradient, 0 * gradient, l1))
    ).numpy()
    slope, weight = (hessian @ z + gradient) / size, l1 / size
    assert (np.abs(slope) <= weight + 1e-9).all()
    held = slope + weight * np.sign(z)
    assert np.abs(held[z != 0]).max() < 1e-9
    assert 0 < np.count_nonzero(z) < len(z)
