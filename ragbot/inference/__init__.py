"""Every model that ragbot runs: encoder, reranker and language model.

Open `encoder.py` first: texts go in, vectors come out. `onnx.py` runs the encoder by ONNX Runtime;
`onnx_export.py` converts a sentence-transformers model for it, once; `sentence_transformer.py` runs
models that cannot be converted, and the reranker. `token_codes.py` quantizes the vectors of words.
"""
