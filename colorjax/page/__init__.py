"""The page on which a person restores photographs in a browser: the command `serve`.

Not to be confused with `colorjax.pages`, the look of the reports that other commands write.

One process serves the page (`server`, `app`) and never decodes a picture nor imports jax. Two child processes do that
(`worker`, `child`): one what must answer at once (reading, tiles, likely colors), one what takes long (denoising,
whole results). So a decoder that dies takes nothing else along. Pictures lie in a private temporary folder (`store`).
The browser's part is in `static`: plain JavaScript modules and one style sheet.

Starlette and uvicorn are needed (requirements-page.txt); only the command `serve` imports this package.
"""
