"""Why a file or a row of a data set is not used: the words that count them everywhere."""

MASK = "masks, not films"
CLUTTER = "hidden files and what systems add"
ARCHIVE = "archives, which are not unpacked"
TABLE = "tables and texts"
OTHER = "files that are no images"
LOOP = "links that lead nowhere or back"
BESIDE_SPLITS = "in folders beside the splits"
SECOND_COPY = "in a second copy of the data set in a folder of its own name"
STANDS_TWICE = "films that stand in another part of the data set too"
NO_CLASS = "films in no folder of a class"
OTHER_FOLDER = "in folders beside the one that holds the data set"
NOT_LISTED = "films that no table names"
NO_FILE = "rows whose film is not here"
AMBIGUOUS = "rows whose film could be any of several"
NO_PATH = "rows without a file name"
NO_LABEL = "without a label"
UNCERTAIN = "with uncertain labels only"
NONE_POSITIVE = "without a positive finding, yet not called normal"
DISAGREE = "films whose readers disagree"
NOT_ASKED = "with labels that --classes does not name"
SEVERAL = "with findings of several classes"
LATERAL = "lateral views"
OTHER_MODALITY = "of another modality than radiography, as the table says"
UNKNOWN_SPLIT = "rows of a split that is not train, val or test"
BROKEN_ROW = "rows with more cells than columns, or a quote that does not end"
REPEATED = "rows that repeat another"
CONTRADICTION = "rows of one film with different labels"
SAID_COPY = "copies of another film, as the table says"
SAME_FILE = "byte-identical to a film that is tested on or validated on"
CROSSING = "films of patients who are tested on or validated on"
BEYOND = "training films beyond the number asked for"
UNREADABLE = "files that cannot be read as a film"
UNKNOWN_LABEL = "with labels that the models, or the view, do not know"
OTHER_SPLIT = "of another split than the one judged"
TRAINED_ON = "films that a model was trained on or chosen by"
FOR_THE_TEST = "test films, which cross-validation leaves for the end"

# What each means and what to do, for docs/files.md.
MEANINGS = {
    MASK: "in folders called masks (lung, infection, lesion), or named `…_mask`",
    CLUTTER: "names that begin with a dot, `Thumbs.db`, `__MACOSX`, `DICOMDIR`, thumbnails",
    ARCHIVE: "unpack them first",
    TABLE: "CSV, Excel, JSON, text, PDF",
    OTHER: "neither by their names nor by their content",
    LOOP: "a link to a folder that holds it, or to nothing",
    BESIDE_SPLITS: "a folder next to train, val and test",
    SECOND_COPY: "Kaggle's `chest_xray/chest_xray`",
    STANDS_TWICE: "the other one is used, with its mask",
    NO_CLASS: "lying in the data set's folder itself, or in its split's",
    OTHER_FOLDER: "name each data set by itself to use both",
    NOT_LISTED: "for instance the challenge's test films",
    NO_FILE: "a table of the whole set beside a part of its films",
    AMBIGUOUS: "the same name in several folders: give the path",
    NO_PATH: "an empty cell",
    NO_LABEL: "an empty cell, `nan`, or a report that says nothing of the film",
    UNCERTAIN: "`--labels uncertain=positive` or `negative` uses them",
    NONE_POSITIVE: "in tables of findings as CheXpert's",
    DISAGREE: "no finding is named by more than half of the readers",
    NOT_ASKED: "",
    SEVERAL: "which do not go together; `--labels several=first` uses them",
    LATERAL: "`--labels views=all` uses them",
    OTHER_MODALITY: "`CT`, `MR` and the like in a column `modality`",
    UNKNOWN_SPLIT: "",
    BROKEN_ROW: "a separator inside a cell without quotes",
    REPEATED: "the first one counts",
    CONTRADICTION: "none of them counts",
    SAID_COPY: "column `copy_of`",
    SAME_FILE: "so that nothing is trained on what it is judged by",
    CROSSING: "of a split that came so",
    BEYOND: "`--films`",
    UNREADABLE: "`audit` says of each what is wrong",
    UNKNOWN_LABEL: "in `evaluate`, with a warning",
    OTHER_SPLIT: "`evaluate --split all` judges all",
    TRAINED_ON: "`evaluate --split all` judges them too",
    FOR_THE_TEST: "a fold of the others stands in for them",
}
