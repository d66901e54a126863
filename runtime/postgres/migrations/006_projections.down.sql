DROP TABLE ironflow.projections;
