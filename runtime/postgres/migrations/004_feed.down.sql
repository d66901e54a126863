DROP FUNCTION ironflow.feed_ticket;
