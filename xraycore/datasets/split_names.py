"""Folders and cells that name a split: train, val or test, as people write them."""

import re
import unicodedata

# Also of what Spanish, French, Portuguese, Italian, German, Chinese and Russian data sets write.
_NAMES = {
    "train": (
        *("train", "training", "trainval", "trn", "tr", "learn", "development"),
        *("entrenamiento", "entrainement", "apprentissage", "treino", "treinamento"),
        *("addestramento", "ausbildung", "训练", "训练集", "обучение"),
    ),
    "val": (
        *("val", "valid", "validation", "validate", "validating", "dev", "tune", "tuning"),
        *("validacion", "validacao", "validazione", "validierung", "验证", "验证集", "валидация"),
    ),
    "test": (
        *("test", "testing", "tst", "tests", "holdout", "eval", "evaluation"),
        *("prueba", "pruebas", "teste", "prova", "essai", "测试", "测试集", "тест"),
    ),
}
_SPLIT_OF = {name: split for split, names in _NAMES.items() for name in names}
# What stands beside it without telling anything: `train_set`, `01-Train`, `test images`.
_BESIDE = {"set", "data", "dataset", "split", "images", "image", "imgs", "img", "folder", "stage"}
_BESIDE |= {"xray", "xrays", "cxr", "chest", "films", "png", "jpg", "dicom", "files"}
_GLUED = re.compile(r"(train|training|val|valid|validation|test|testing)(set|data|images|imgs)")


def split_of(name: str) -> str:
    """The split that a folder or a cell names, "" if it names none.

    >>> [split_of(name) for name in ("Training", "01_TestSet", "valid images", "Tuberculosis")]
    ['train', 'test', 'val', '']
    """
    # Apart from case, accents and numbers.
    plain = unicodedata.normalize("NFKD", name).casefold()
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    words = [_GLUED.sub(r"\1", word) for word in re.findall(r"[^\W_]+", plain)]
    telling = [word for word in words if word not in _BESIDE and not word.isdecimal()]
    return _SPLIT_OF.get(telling[0], "") if len(telling) == 1 else ""
