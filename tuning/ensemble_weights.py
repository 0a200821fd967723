"""How much each member of an ensemble has to say: weights bred for the weighted F-measure."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from deap import base, tools

POPULATION, GENERATIONS, RESTARTS = 40, 30, 3
RIVALS = 3  # of a tournament
CROSSED, MUTATED = 0.7, 0.3  # probabilities


class _Fitness(base.Fitness):
    weights = (1.0,)


class _Individual(list):
    """Genes of 0-1 that sum to 1."""

    def __init__(self, genes: list[float]) -> None:
        total = sum(genes)
        super().__init__(gene / total for gene in genes)
        self.fitness = _Fitness()


def weighted_f_measure(labels: np.ndarray, probabilities: np.ndarray, threshold: float = 0.5) -> float:
    """Return the F1 of both classes, each weighed by its cells: int [n], float [n] -> 0-1."""
    truth, said = np.asarray(labels) == 1, np.asarray(probabilities) >= threshold
    total = 0.0
    for positive, called in ((truth, said), (~truth, ~said)):
        found = (positive & called).sum()
        both = positive.sum() + called.sum()
        total += positive.sum() * (2 * found / both if both else 0.0)
    return float(total / len(truth))


def genetic_weights(labels: np.ndarray, probabilities: np.ndarray, seed: int = 0) -> np.ndarray:
    """Breed the weights of a weighted average of members by a genetic algorithm.

    Parameters
    ----------
    labels : numpy.ndarray
        int [n], of cells that no member was trained on.
    probabilities : numpy.ndarray
        float [members, n], 0-1.
    seed : int
        Of the breeding.

    Returns
    -------
    numpy.ndarray
        float [members], 0-1, summing to 1; the plain average where no weights are fitter.

    Notes
    -----
    A constant population of real genes, tournament selection, average crossover, mutation of a single gene, several
    restarts, as in Baldi and Cioffo's report.
    """
    count, members = len(probabilities), np.asarray(probabilities, float)

    def fitness(genes: list[float]) -> float:
        return weighted_f_measure(labels, np.asarray(genes) @ members)

    best = _Individual([1.0] * count)
    fittest = fitness(best)
    rng = np.random.default_rng(seed)
    with _seeded(seed):
        for _ in range(RESTARTS):
            found = _breed(count, fitness, rng)
            if found.fitness.values[0] > fittest:
                best, fittest = found, found.fitness.values[0]
    return np.array(best)


def _breed(count: int, fitness: Callable[[list[float]], float], rng: np.random.Generator) -> _Individual:
    """Return the fittest of one population's generations."""

    def judged(individual: _Individual) -> _Individual:
        individual.fitness.values = (fitness(individual),)
        return individual

    people = [judged(_Individual(genes)) for genes in rng.random((POPULATION, count)).tolist()]
    hall = tools.HallOfFame(1)
    hall.update(people)
    for _ in range(GENERATIONS):
        parents = tools.selTournament(people, POPULATION, RIVALS)
        people = [judged(_child(one, other, rng)) for one, other in zip(parents, parents[1:] + parents[:1])]
        hall.update(people)
    return hall[0]


def _child(one: _Individual, other: _Individual, rng: np.random.Generator) -> _Individual:
    genes = [(a + b) / 2 for a, b in zip(one, other)] if rng.random() < CROSSED else list(one)
    if rng.random() < MUTATED:
        genes[rng.integers(len(genes))] = rng.random()
    return _Individual(genes if sum(genes) else [1.0] * len(genes))


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed Python's own random numbers, which DEAP's tournament draws from, and put them back."""
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
