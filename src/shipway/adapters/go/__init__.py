"""The Go hand: the go command, run with exactly what it needs to know."""

from shipway.adapters.go.tool import GoTool

__all__ = ["GoTool"]
