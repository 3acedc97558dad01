"""The networks that come with colorjax: safetensors files, a card for each (NAME.md), and their SHA-256 sums."""
