"""The public data sets that models are trained and tested on: who to cite, where they lie."""

from collections.abc import Mapping
from pathlib import Path

from xraycore.config import cache_folder, data_folder
from xraycore.jobs.storage import UPLOADED_PREFIX

CITATIONS: Mapping[str, str] = {
    "chest_xray": "Kermany et al. 2018, Cell 172:1122, doi:10.17632/rscbjbr9sj.2, CC BY 4.0: "
    "children of 1 to 5 years, Guangzhou",
    "covid_radiography": "COVID-19 Radiography Database, Chowdhury et al. 2020, "
    "doi:10.1109/ACCESS.2020.3010287, and Rahman et al. 2021, "
    "doi:10.1016/j.compbiomed.2021.104319: adults of many hospitals",
    "nih": "NIH ChestX-ray8, Wang et al. 2017, arXiv:1705.02315, read by radiologists for the RSNA "
    "challenge, Shih et al. 2019, doi:10.1148/ryai.2019180041: adults, Bethesda",
    "covid_qu": "COVID-QU-Ex, Tahir et al. 2021, doi:10.1016/j.compbiomed.2021.105002: adults of "
    "many hospitals",
    "lesions_train": "COVID-QU-Ex with drawn infections, Tahir et al. 2021, "
    "doi:10.1016/j.compbiomed.2021.105002, drawn as Degerli et al. 2021, "
    "doi:10.1007/s13755-021-00146-8, say: adults of many hospitals",
    "covid_cxnet": "COVID-CXNet, Haghanifar et al. 2022, doi:10.1007/s11042-022-12156-z: adults of "
    "many hospitals",
    "openist_normal": "OpenIST's chest films, github.com/pi-null-mezon/OpenIST: normal adults of "
    "many hospitals",
    "jsrt": "JSRT, Shiraishi et al. 2000, doi:10.2214/ajr.174.1.1740071: adults, Japan",
    "cohen": "covid-chestxray-dataset, Cohen et al. 2020, arXiv:2006.11988: adults of many "
    "hospitals",
}


# Whose films they are, as a sentence names them.
ORIGINS: Mapping[str, str] = {
    "chest_xray": "Guangzhou's children",
    "covid_radiography": "the adults of the COVID-19 Radiography Database",
    "covid_qu": "the adults of COVID-QU-Ex",
    "lesions_train": "the adults of COVID-QU-Ex with drawn lesions",
    "lesions": "the adults of COVID-QU-Ex with drawn lesions",
    "nih": "NIH's adults",
    "nih_others": "NIH's adults",
    "cohen": "Cohen's adults of many hospitals",
    "cohen_masks": "Cohen's adults of many hospitals",
    "covid_cxnet": "COVID-CXNet's adults of many hospitals",
    "openist_normal": "OpenIST's normal adults",
    "jsrt": "Japan's adults (JSRT)",
}


# Name in `CITATIONS` -> folder or CSV file below the data directory.
_DATASETS = {
    "chest_xray": "chest_xray",
    "covid_radiography": "covid_radiography",
    "nih": "external/nih/labels.csv",
    "cohen": "external/cohen/labels.csv",
}


# Name of the source -> likewise: what is trained on beside them, and not offered by itself.
_PARTS = {
    "covid_qu": "covid_qu/pneumonia",
    "lesions_train": "covid_qu/lesions_train/labels.csv",
    "covid_cxnet": "more/covid_cxnet/labels.csv",
    "openist_normal": "more/openist_normal/labels.csv",
    "jsrt": "more/jsrt/labels.csv",
}


def list_sources() -> dict[str, Path]:
    """All that the data folder has of what networks are trained on, by the sources' names."""
    root = data_folder()
    parts = {name: root / place for name, place in _PARTS.items()} if root else {}
    return {**list_datasets(), **{name: path for name, path in parts.items() if path.exists()}}


def list_datasets() -> dict[str, Path]:
    """The public data sets that lie in the data folder, by their names in `CITATIONS`."""
    root = data_folder()
    found = {name: root / place for name, place in _DATASETS.items()} if root else {}
    return {name: path for name, path in found.items() if path.exists()}


def offered_folders() -> list[Path]:
    """Where data sets lie that may be named wherever an app runs.

    Public ones, those that it draws, and those that were uploaded: their names nobody guesses.
    """
    cache, root = cache_folder(), data_folder()
    made = [*cache.glob("phantoms-*"), *cache.glob(f"{UPLOADED_PREFIX}*")]
    return [*([root] if root else []), cache / "flawed-dataset", *made]
