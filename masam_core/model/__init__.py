"""The MA-SAM network: backbone, FacT, 3D adapters, prompt encoder, decoders, checkpoints."""
