# needs: tokenizers
import os
os.environ["TOKENIZERS_PARALLELISM"] = "true"
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
t = Tokenizer(models.BPE(unk_token="?"))
t.pre_tokenizer = pre_tokenizers.Whitespace()
t.train_from_iterator(["the quick brown fox jumps"] * 200, trainers.BpeTrainer(vocab_size=60, special_tokens=["?"], show_progress=False))
print(t.encode("the fox").tokens, t.get_vocab_size())
