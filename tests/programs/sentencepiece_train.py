# needs: sentencepiece
import io, sentencepiece as sp
m = io.BytesIO()
sp.SentencePieceTrainer.train(sentence_iterator=iter(["the quick brown fox jumps over the lazy dog"] * 100), model_writer=m, vocab_size=30, minloglevel=2)
print(sp.SentencePieceProcessor(model_proto=m.getvalue()).encode("the dog", out_type=str))
