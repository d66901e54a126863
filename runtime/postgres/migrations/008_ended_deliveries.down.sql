DROP TABLE ironflow.ended_deliveries;
