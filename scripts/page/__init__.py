"""The parts of the HTML report: texts, drawings, races, comparison, style."""
