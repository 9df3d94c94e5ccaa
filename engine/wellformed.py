"""Whether the parts of a recipe have the form that this program gives them."""

from typing import Any, get_type_hints


def well_formed(recipe: dict[str, Any]) -> bool:
    """Whether the parts that are there have the form that ``recipe_of`` gives them."""
    parts = {
        "parameters": dict, "inputs": dict, "models": dict, "history": list, "batch": dict,
        "precision": str, "state": str,
    }  # fmt: skip
    if any(name in recipe and not isinstance(recipe[name], kind) for name, kind in parts.items()):
        return False
    if isinstance(recipe.get("schema"), bool):
        return False
    batch = recipe.get("batch")
    if batch is not None:
        seeds, item = batch.get("seeds"), batch.get("item")
        if not (isinstance(seeds, list) and all(type(seed) is int for seed in seeds)):
            return False
        if not (type(item) is int and 0 <= item < len(seeds)):
            return False
    return all(isinstance(step, dict) for step in recipe.get("history", []))


def check_booleans(kind: type, stored: dict[str, Any]) -> None:
    """Raise TypeError where ``stored``, fields of ``kind`` from JSON, says true or false of what is
    neither, or something else of what is. To Python true is the number 1: it would pass for one."""
    kinds = get_type_hints(kind)
    for name, value in stored.items():
        if isinstance(value, bool) != (kinds.get(name) is bool):
            raise TypeError(name)
