"""The workbench: the tool in a browser. trame is used here only.

A front process (``gate``) lets browsers in and gives each tab a process of its own (``tab``), which
holds one scene, its views, and one worker. What is done to the scene, is done through ``scene`` and
``session``, as in the panel.
"""
