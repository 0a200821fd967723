"""Weights of an ensemble's members, optimised for the weighted F1 by a genetic algorithm."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from deap import base, tools

POPULATION, GENERATIONS, RESTARTS = 40, 30, 3
TOURNAMENT = 3  # individuals
CROSSOVER, MUTATION = 0.7, 0.3  # probabilities


class _Fitness(base.Fitness):
    weights = (1.0,)


class _Individual(list):
    """Genes, each 0-1, that sum to 1."""

    def __init__(self, genes: list[float]) -> None:
        total = sum(genes)
        super().__init__(gene / total for gene in genes)
        self.fitness = _Fitness()


def weighted_f_measure(labels: np.ndarray, probabilities: np.ndarray, threshold: float = 0.5) -> float:
    """Return the mean F1 of both classes, weighted by their numbers of cells: int [n], float [n] -> 0-1."""
    truth, prediction = np.asarray(labels) == 1, np.asarray(probabilities) >= threshold
    total = 0.0
    for actual, predicted in ((truth, prediction), (~truth, ~prediction)):
        true_positives = (actual & predicted).sum()
        both = actual.sum() + predicted.sum()
        total += actual.sum() * (2 * true_positives / both if both else 0.0)
    return float(total / len(truth))


def genetic_weights(labels: np.ndarray, probabilities: np.ndarray, seed: int = 0) -> np.ndarray:
    """Optimise the weights of a weighted average of members by a genetic algorithm.

    Parameters
    ----------
    labels : numpy.ndarray
        int [n], of cells that no member was trained on; 1 is `all`.
    probabilities : numpy.ndarray
        float [members, n], 0-1.
    seed : int
        Of the algorithm's random numbers.

    Returns
    -------
    numpy.ndarray
        float [members], 0-1, summing to 1; equal weights if no others are fitter.

    Notes
    -----
    As in Baldi and Cioffo's report: a population of constant size, real-valued genes, tournament selection, average
    crossover, mutation of one gene, several restarts.
    """
    count, members = len(probabilities), np.asarray(probabilities, float)

    def fitness(genes: list[float]) -> float:
        return weighted_f_measure(labels, np.asarray(genes) @ members)

    best = _Individual([1.0] * count)
    best_fitness = fitness(best)
    rng = np.random.default_rng(seed)
    with _seeded(seed):
        for _ in range(RESTARTS):
            candidate = _evolve(count, fitness, rng)
            if candidate.fitness.values[0] > best_fitness:
                best, best_fitness = candidate, candidate.fitness.values[0]
    return np.array(best)


def _evolve(count: int, fitness: Callable[[list[float]], float], rng: np.random.Generator) -> _Individual:
    """Return the fittest individual of a population's generations."""

    def evaluated(individual: _Individual) -> _Individual:
        individual.fitness.values = (fitness(individual),)
        return individual

    population = [evaluated(_Individual(genes)) for genes in rng.random((POPULATION, count)).tolist()]
    fittest = tools.HallOfFame(1)
    fittest.update(population)
    for _ in range(GENERATIONS):
        parents = tools.selTournament(population, POPULATION, TOURNAMENT)
        population = [evaluated(_child(one, other, rng)) for one, other in zip(parents, parents[1:] + parents[:1])]
        fittest.update(population)
    return fittest[0]


def _child(one: _Individual, other: _Individual, rng: np.random.Generator) -> _Individual:
    """Return a child of two parents, by average crossover and mutation of one gene."""
    genes = [(a + b) / 2 for a, b in zip(one, other)] if rng.random() < CROSSOVER else list(one)
    if rng.random() < MUTATION:
        genes[rng.integers(len(genes))] = rng.random()
    return _Individual(genes if sum(genes) else [1.0] * len(genes))


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed Python's `random`, which DEAP's tournament draws from, and restore its state afterwards."""
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
