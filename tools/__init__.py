"""Programs that write pages and contracts from the code; nothing of the product imports them."""
