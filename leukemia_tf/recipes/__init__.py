"""The reports' settings as JSON; `leukemia_tf.config.recipes` reads them."""

from leukemia_tf.config.recipes import check_recipe, from_recipe, read_recipe, recipe_names

__all__ = ["check_recipe", "from_recipe", "read_recipe", "recipe_names"]
