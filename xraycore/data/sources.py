"""Who to cite for the public data sets that models are trained and tested on."""

from collections.abc import Mapping

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
    "cohen": "covid-chestxray-dataset, Cohen et al. 2020, arXiv:2006.11988: adults of many "
    "hospitals",
}
