"""The process of one tab: its scene, its page, its actions."""
