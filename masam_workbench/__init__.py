"""The workbench: the tool in a browser.

A front process (``gate``) lets browsers in and gives each tab a process of its own (``tab``), which
holds one scene. The page (``page``) draws it in the browser, of what it is told (``live``) and
fetches (``served``). What is done to the scene, is done through ``scene`` and ``session``, as in
the panel.
"""
