"""`python -m leukemia_tf.gradcam`: where in the cell the network looked."""

from __future__ import annotations

import logging
from pathlib import Path

from leukemia_tf.cli import run_command
from leukemia_tf.config import GradcamConfig
from leukemia_tf.run import explanation, run_or_newest

log = logging.getLogger("leukemia_tf")


def gradcam(config: GradcamConfig) -> list[Path]:
    """Draw a heat map of each image: the cell, the map in the original's pixels, the overlay.

    Parameters
    ----------
    config : GradcamConfig
        The images; the newest run by default.

    Returns
    -------
    list of pathlib.Path
        The PNGs, in the order asked.

    Raises
    ------
    BadImageError
        At the first image that cannot be used.
    """
    run = run_or_newest(config.run)
    import numpy as np

    from leukemia_tf.data.catalog import find_images
    from leukemia_tf.evaluation.plots import save
    from leukemia_tf.explain.frame import read_frame, share_inside
    from leukemia_tf.explain.gradcam import original_maps
    from leukemia_tf.explain.pictures import draw_heat_map
    from leukemia_tf.models.member import members_of
    from leukemia_tf.models.network import load_network

    images = find_images(config.images)
    model = load_network(run.model)
    names = [f"{number}: {member.name}" for number, member in enumerate(members_of(model), start=1)]
    written = []
    for path in images:
        frame = read_frame(model, path)
        (maps,) = original_maps(model, [frame])
        heat = np.mean(maps, axis=0)
        target = explanation(path, "gradcam")
        if config.out:
            target = config.out / target.name if len(images) > 1 else config.out
        own = dict(zip(names, maps)) if len(maps) > 1 else {}
        written.append(save(draw_heat_map(frame, heat, "Grad-CAM", own), target))
        said = frame.prediction
        if not frame.mask.any():
            log.warning("%s: there is no cell in this image; it is all background", path)
        share = share_inside(heat, frame.mask)
        log.info(
            "%s: %s, probability of leukemic %.4f, %.0f %% of the heat inside the cell -> %s",
            path,
            said.prediction,
            said.probability,
            100 * share,
            target,
        )
    return written


if __name__ == "__main__":
    run_command("gradcam", GradcamConfig, gradcam)
