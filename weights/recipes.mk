# How each shipped weight file came to be: the options of `footlight train`. `make retrain` runs them again.
RECIPE_c3d_small       := --steps 3000
RECIPE_r2plus1d_small  := --steps 3000
RECIPE_i3d_small       := --steps 3000
RECIPE_tsm_small       := --steps 3000
RECIPE_cnn_lstm_small  := --steps 6000
RECIPE_convlstm_small  := --steps 3000
# Masking networks, for the shipped weights of the network in their name: options of `footlight train --masker`.
RECIPE_masker_r2plus1d_small := --steps 600 --warm-up 50 --validate 256
