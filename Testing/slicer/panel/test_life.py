"""The panel's life in the application: opened, closed, reloaded, with scenes old and new."""

from __future__ import annotations

from typing import Any

import pytest

from Testing.slicer.panel.conftest import Person


def test_enter_and_exit_after_a_failed_setup_do_not_fail_in_turn(
    module: Any, harness: Any, case: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import slicer
    from MASAMSlicerLib.panel import panel

    from Testing.slicer_harness import module_life

    def fail(*_: object) -> None:
        raise RuntimeError("no such widget")

    monkeypatch.setattr(panel, "Panel", fail)
    widget = module_life.makeModule(module.MASAMSlicerWidget)
    with pytest.raises(RuntimeError, match="no such widget"):
        module_life.openModule(widget)  # enter is called all the same
    module_life.leaveModule(widget)
    widget.enter()
    # What the scene says reaches nothing that is not there.
    case.roi.SetCenter(1.0, 2.0, 3.0)
    interaction = slicer.app.applicationLogic().GetInteractionNode()
    interaction.SetCurrentInteractionMode(interaction.Place)
    interaction.SetCurrentInteractionMode(interaction.ViewTransform)
    slicer.mrmlScene.Clear()
    module_life.endModule(widget)


def test_a_closed_scene_leaves_neither_labels_nor_observers_behind(
    person: Person, case: Any
) -> None:
    import slicer

    scene = slicer.mrmlScene
    person.choose(case.volume)
    for _ in range(3):
        person.session.lesions.add(case.volume, None, None)
    person.wait()
    assert [lesion.label for lesion in person.lesions()] == [1, 2, 3]
    assert person.panel.watcher._watched

    def look(*_: object) -> None:
        """A progress dialog lets a refresh in while the nodes go."""
        person.panel.refresh()

    tag = scene.AddObserver(scene.NodeRemovedEvent, look)
    scene.Clear()
    scene.RemoveObserver(tag)
    person.wait()
    assert person.panel.watcher._watched == {}
    volume = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "next patient")
    assert person.session.lesions.add(volume, None, None).label == 1


def test_every_number_has_the_limits_of_the_core(person: Person) -> None:
    from masam_core.limits import CACHE_MB, MARGIN_MM, SMOOTH_MM, THRESHOLD

    for widget, limits in (
        (person.ui.thresholdSlider, THRESHOLD),
        (person.ui.marginSpinBox, MARGIN_MM),
        (person.ui.smoothSpinBox, SMOOTH_MM),
        (person.ui.cacheSpinBox, CACHE_MB),
    ):
        assert (widget.minimum, widget.maximum) == (limits.low, limits.high)
        widget.value = limits.low - 7
        assert widget.value == limits.low
    person.ui.thresholdCheckBox.click()
    assert person.panel.context.options().threshold == THRESHOLD.low
    for name, value in (("marginMm", -7.0), ("threshold", 0.0), ("smoothMm", 11.0)):
        with pytest.raises(ValueError, match=str(value)):
            setattr(person.panel.context.parameters, name, value)
    for name in ("quality", "keep"):
        with pytest.raises(ValueError, match="superb"):
            setattr(person.panel.context.parameters, name, "superb")


def test_a_damaged_cache_setting_is_brought_into_range(person: Person) -> None:
    from MASAMSlicerLib.panel import settings

    for kept, used in ((-5, 64), (10**9, 65536), ("much", 1024), (512, 512)):
        settings.write("cacheMB", kept)
        assert settings.read("cacheMB") == used


@pytest.mark.parametrize(
    ("saved", "used", "says"),
    [
        ({"marginMm": "-7"}, ("marginMm", 0.0), "margin = -7; expected 0 to 50 mm. 0.0 is used"),
        ({"threshold": "0.0"}, ("threshold", 0.05), "threshold = 0.0; expected 0.05 to 0.95"),
        ({"smoothMm": "nan"}, ("smoothMm", 0.0), "smoothing = nan; expected 0 to 10 mm"),
        ({"marginMm": "wide"}, ("marginMm", 0.0), "margin = wide"),
        ({"quality": "superb"}, ("quality", "balanced"), "expected fast, balanced, best"),
    ],
)
def test_a_scene_with_a_value_out_of_range_opens_and_says_what_is_used(
    module: Any, harness: Any, saved: dict[str, str], used: tuple[str, Any], says: str
) -> None:
    from Testing.slicer_harness import module_life

    node = module.MASAMSlicerLogic().getParameterNode()
    for name, text in saved.items():
        node.SetParameter(name, text)
    widget = module_life.makeModule(module.MASAMSlicerWidget)
    module_life.openModule(widget)
    person = Person(harness, widget)
    person.wait()
    name, value = used
    assert getattr(person.panel.context.parameters, name) == value
    person.panel.context.options()  # the core takes it
    assert says in person.status
    module_life.endModule(widget)


def test_a_scene_in_range_is_taken_without_a_word(module: Any, scene: Any) -> None:
    from MASAMSlicerLib.scene.savedsettings import putRight

    node = module.MASAMSlicerLogic().getParameterNode()
    assert putRight(node) == []  # a new scene: nothing was there, nothing was replaced
    node.SetParameter("marginMm", "2.5")
    assert putRight(node) == []
    assert node.GetParameter("marginMm") == "2.5"


def test_the_mended_settings_are_those_that_the_parameter_node_checks(module: Any) -> None:
    from MASAMSlicerLib.scene.savedsettings import CHOICES, NUMBERS

    wrapper = module.MASAMSlicerParameterNode
    checked = {name for name in wrapper._names if getattr(wrapper, name).validators}
    assert checked == {*NUMBERS, *CHOICES}
    for name, (_, default) in {**NUMBERS, **CHOICES}.items():
        assert getattr(wrapper, name).default == default


def test_a_panel_that_is_gone_writes_no_settings(person: Person) -> None:
    from Testing.slicer_harness import module_life

    parameters, spin = person.panel.context.parameters, person.ui.marginSpinBox
    spin.value = 2.0
    assert parameters.marginMm == 2.0
    old = person.widget
    person.widget = module_life.reloadModule(old)
    spin.value = 9.0  # the old panel's
    assert parameters.marginMm == 2.0
