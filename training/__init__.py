"""Everything that imports torch: the model, packing, DeepSpeed training, checkpoints, inference."""
