"""How good a translation is: metrics, simpler methods, attenuation, importance."""
