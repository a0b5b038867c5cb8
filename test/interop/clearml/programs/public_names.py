"""The public names of the SDK's classes that have a counterpart of ours, and of the package itself."""

import clearml
from sdk_program import answer

CLASSES = ["Task", "Logger", "Model", "InputModel", "OutputModel", "Dataset"]


def names_of(thing):
    return sorted(name for name in dir(thing) if not name.startswith("_"))


answer(
    {
        "version": clearml.__version__,
        "clearml": sorted(
            name for name in names_of(clearml) if isinstance(getattr(clearml, name), type) or callable(getattr(clearml, name))
        ),
        **{name: names_of(getattr(clearml, name)) for name in CLASSES},
    }
)
