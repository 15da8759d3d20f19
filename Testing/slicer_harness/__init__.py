"""Stand-ins for what the 3D Slicer application adds to slicer-core, as thin as can be.

``slicer-core`` is the real MRML with the real ``slicer.util``; the application adds Qt, ctk, the
qMRML widgets and a few Python modules. Here PySide6 stands in for Qt, in PythonQt's clothes, and
small classes for the rest; they act on the real scene. They imitate documented behaviour and have
nothing that Slicer has not.

    install()            the modules that a scripted module imports, and an empty scene
    newScene()           an empty scene for the next test
    loadModule(path)     a scripted module, as Slicer loads it
    dress(name)          properties as in PythonQt for the code of another module
    process(until)       let Qt work
    grab(widget, path)   a picture of all of a widget
    save(widget, path)   a picture of a widget as it is shown

Once installed: ``main_window`` has the window around the module with its views, ``module_life``
calls ``setup``, ``enter``, ``exit`` and ``cleanup`` when the application does.
"""

from Testing.slicer_harness.application import install, newScene
from Testing.slicer_harness.loading import dress, loadModule
from Testing.slicer_harness.messages import messages
from Testing.slicer_harness.running import grab, process, save

__all__ = ["dress", "grab", "install", "loadModule", "messages", "newScene", "process", "save"]
