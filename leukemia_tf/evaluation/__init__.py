"""How good is it, on whom, and how sure: metrics, intervals over patients, pictures."""
