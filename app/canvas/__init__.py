"""The label canvas of the Edit page: rail, drawing column, viewport, options and history."""
