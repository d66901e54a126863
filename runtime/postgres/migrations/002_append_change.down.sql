DROP FUNCTION ironflow.append_change;
