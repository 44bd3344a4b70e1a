"""Public data sets as they are downloaded, with a handful of empty or tiny files each."""

import csv
import gzip
import io
from pathlib import Path


def touch(root: Path, *names: str) -> Path:
    """Empty files: a manifest decodes nothing."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def table(file: Path, *rows: dict, packed: bool = False) -> None:
    """A CSV file of those rows, packed by gzip or not."""
    text = io.StringIO()
    columns = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(rows)
    data = text.getvalue().encode()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(gzip.compress(data) if packed else data)


def nih(root: Path) -> Path:
    """Five rows of three patients; one film is not here, one is named by no table."""
    said = {
        "00000001_000.png": ("Cardiomegaly|Emphysema", 1, "058Y"),
        "00000001_001.png": ("No Finding", 1, "058Y"),
        "00000002_000.png": ("Pneumonia|Infiltration", 2, "006M"),
        "00000003_000.png": ("No Finding", 3, "411Y"),
        "00000009_000.png": ("Mass", 9, "030Y"),
    }
    touch(root, *(f"images_001/images/{name}" for name in list(said)[:2]))
    touch(root, *(f"images_002/images/{name}" for name in list(said)[2:4]))
    touch(root, "images_002/images/00000004_000.png", "README_CHESTXRAY.pdf")
    table(
        root / "Data_Entry_2017.csv",
        *(
            {
                "Image Index": name,
                "Finding Labels": labels,
                "Follow-up #": 0,
                "Patient ID": patient,
                "Patient Age": age,
                "Patient Gender": "M",
                "View Position": "PA",
            }
            for name, (labels, patient, age) in said.items()
        ),
    )
    (root / "train_val_list.txt").write_text("00000001_000.png\n00000001_001.png\n")
    (root / "test_list.txt").write_text("00000002_000.png\n00000003_000.png")
    (root / "BBox_List_2017.csv").write_text(
        "Image Index,Finding Label,Bbox [x,y,w,h],,,\n"
        "00000002_000.png,Pneumonia,256,512,128,64,,,\n"
        "00000002_000.png,Infiltrate,0,0,512,1024,,,\n"
    )
    return root


_CHEXPERT = ("No Finding", "Lung Opacity", "Pneumonia", "Pleural Effusion", "Support Devices")


def chexpert(root: Path) -> Path:
    """Four patients to train on, one to validate on; the last is a lateral view."""
    rows = {
        "train/patient00001/study1/view1_frontal.jpg": ("1.0", "", "", "", "1.0"),
        "train/patient00002/study1/view1_frontal.jpg": ("", "1.0", "", "0.0", ""),
        "train/patient00002/study2/view1_frontal.jpg": ("", "", "1.0", "-1.0", ""),
        "train/patient00003/study1/view1_frontal.jpg": ("", "", "-1.0", "", ""),
        "train/patient00004/study1/view1_frontal.jpg": ("", "", "0.0", "", ""),
        "train/patient00001/study1/view2_lateral.jpg": ("1.0", "", "", "", "1.0"),
        "valid/patient64541/study1/view1_frontal.jpg": ("0.0", "0.0", "0.0", "1.0", "0.0"),
    }
    touch(root, *rows)
    for split in ("train", "valid"):
        table(
            root / f"{split}.csv",
            *(
                {
                    "Path": f"{root.name}/{path}",
                    "Sex": "Male",
                    "Age": 68,
                    "Frontal/Lateral": "Lateral" if "lateral" in path else "Frontal",
                    "AP/PA": "AP",
                    **dict(zip(_CHEXPERT, values, strict=True)),
                }
                for path, values in rows.items()
                if path.startswith(split)
            ),
        )
    return root


def mimic(root: Path) -> Path:
    """Two patients, three studies; the tables are packed."""
    films = [
        ("p10/p10000032/s50414267/02aa804e.jpg", "train", "PA"),
        ("p10/p10000032/s50414267/174413ec.jpg", "train", "LATERAL"),
        ("p10/p10000032/s53189527/2a2277a9.jpg", "train", "AP"),
        ("p10/p10000764/s57375967/096052b7.jpg", "validate", "AP"),
    ]
    touch(root, *(f"files/{path}" for path, *_ in films))
    ids = [
        {
            "dicom_id": Path(path).stem,
            "subject_id": path.split("/")[1][1:],
            "study_id": path.split("/")[2][1:],
        }
        for path, *_ in films
    ]
    splits = [{**one, "split": film[1]} for one, film in zip(ids, films, strict=True)]
    views = [{**one, "ViewPosition": film[2]} for one, film in zip(ids, films, strict=True)]
    table(root / "mimic-cxr-2.0.0-split.csv.gz", *splits, packed=True)
    table(root / "mimic-cxr-2.0.0-metadata.csv.gz", *views, packed=True)
    table(
        root / "mimic-cxr-2.0.0-chexpert.csv.gz",
        {"subject_id": 10000032, "study_id": 50414267, "No Finding": "1.0", "Pneumonia": ""},
        {"subject_id": 10000032, "study_id": 53189527, "No Finding": "", "Pneumonia": "1.0"},
        {"subject_id": 10000764, "study_id": 57375967, "No Finding": "", "Pneumonia": "-1.0"},
        packed=True,
    )
    return root


def padchest(root: Path) -> Path:
    """Five films; a lateral one, one whose report says nothing."""
    rows = [
        ("1_a.png", "P1", "['normal']", "PA"),
        ("2_b.png", "P1", "['pneumonia', 'pleural effusion']", "AP"),
        ("3_c.png", "P2", "['unchanged']", "PA"),
        ("4_d.png", "P2", "['normal']", "L"),
        ("5_e.png", "P3", "['COVID 19', 'pneumonia']", "AP_horizontal"),
    ]
    touch(root, *(f"0/{name}" for name, *_ in rows))
    table(
        root / "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv.gz",
        *(
            {
                "": number,
                "ImageID": name,
                "ImageDir": 0,
                "StudyDate_DICOM": 20140915,
                "PatientID": patient,
                "PatientBirth": "1930.0",
                "Projection": view,
                "Labels": labels,
            }
            for number, (name, patient, labels, view) in enumerate(rows)
        ),
        packed=True,
    )
    return root


def vindr(root: Path) -> Path:
    """Three films of three readers each, two films of the test set's consensus."""
    none = dict.fromkeys(("x_min", "y_min", "x_max", "y_max"), "")
    box = {"x_min": 2, "y_min": 1, "x_max": 6, "y_max": 3}
    train = [
        *(("a" * 32, "No finding", reader, none) for reader in ("R1", "R2", "R3")),
        ("b" * 32, "Pleural effusion", "R1", box),
        ("b" * 32, "Pleural effusion", "R2", {**box, "x_max": 4}),
        ("b" * 32, "Cardiomegaly", "R1", box),
        ("b" * 32, "No finding", "R3", none),
        *(("c" * 32, name, f"R{n}", box) for n, name in enumerate(("Mass", "ILD", "Other"))),
    ]
    rows = [
        {"image_id": image, "class_name": name, "class_id": 0, "rad_id": reader, **where}
        for image, name, reader, where in train
    ]
    table(root / "annotations" / "annotations_train.csv", *rows)
    table(
        root / "annotations" / "annotations_test.csv",
        {"image_id": "d" * 32, "class_name": "No finding", "rad_id": "consensus", **none},
    )
    touch(root, *(f"train/{letter * 32}.dicom" for letter in "abc"), f"test/{'d' * 32}.dicom")
    return root


def rsna(root: Path) -> Path:
    """A patient of two boxes, one normal, one neither, and a test film without a label."""
    box = {"x": 256, "y": 512, "width": 128, "height": 256}
    none = dict.fromkeys(box, "")
    table(
        root / "stage_2_train_labels.csv",
        {"patientId": "0004", **none, "Target": 0},
        {"patientId": "0009", **box, "Target": 1},
        {"patientId": "0009", **{**box, "x": 512}, "Target": 1},
        {"patientId": "00a8", **none, "Target": 0},
    )
    table(
        root / "stage_2_detailed_class_info.csv",
        {"patientId": "0004", "class": "Normal"},
        {"patientId": "0009", "class": "Lung Opacity"},
        {"patientId": "0009", "class": "Lung Opacity"},
        {"patientId": "00a8", "class": "No Lung Opacity / Not Normal"},
    )
    touch(root, *(f"stage_2_train_images/{name}.dcm" for name in ("0004", "0009", "00a8")))
    return touch(root, "stage_2_test_images/000e.dcm", "stage_2_sample_submission.csv")


def siim(root: Path) -> Path:
    """A film with a pneumothorax, one without."""
    table(
        root / "train-rle.csv",
        {"ImageId": "1.2.276.1", "EncodedPixels": "1034 4 1020 4"},
        {"ImageId": "1.2.276.2", "EncodedPixels": "-1"},
    )
    return touch(root, "dicom-images-train/1/2/1.2.276.1.dcm", "dicom-images-train/1.2.276.2.dcm")


def covid_qu(root: Path) -> Path:
    """Both parts: they share a film, with its infection drawn in one of them."""
    infection = "Infection Segmentation Data/Infection Segmentation Data"
    lungs = "Lung Segmentation Data/Lung Segmentation Data"
    for part, split in ((infection, "Test"), (lungs, "Train")):
        for label, stem in (("COVID-19", "covid_1"), ("Non-COVID", "n1"), ("Normal", "h1")):
            place = f"{part}/{split}/{label}"
            name = stem if part == infection or label == "COVID-19" else f"{stem}x"
            touch(root, f"{place}/images/{name}.png", f"{place}/lung masks/{name}.png")
            if part == infection:
                touch(root, f"{place}/infection masks/{name}.png")
    return root


def radiography(root: Path) -> Path:
    """Four classes of a film and a lung mask each, and its workbooks."""
    for label in ("COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"):
        touch(root, f"{label}/images/{label}-1.png", f"{label}/masks/{label}-1.png")
        touch(root, f"{label}.metadata.xlsx")
    return touch(root, "README.md.txt")


def kermany(root: Path) -> Path:
    """With the second copy and the macOS folder that Kaggle's archive unpacks to."""
    names = (
        "train/NORMAL/IM-0115-0001.jpeg",
        "train/PNEUMONIA/person1_bacteria_1.jpeg",
        "train/PNEUMONIA/person1_bacteria_2.jpeg",
        "val/NORMAL/NORMAL2-IM-1427-0001.jpeg",
        "test/PNEUMONIA/person1_virus_6.jpeg",
    )
    touch(root, *names, *(f"{root.name}/{name}" for name in names))
    return touch(root, "__MACOSX/train/NORMAL/._IM-0115-0001.jpeg", "train/.DS_Store")


LAYOUTS = {
    "nih": nih,
    "chexpert": chexpert,
    "mimic-cxr-jpg": mimic,
    "padchest": padchest,
    "vindr-cxr": vindr,
    "rsna": rsna,
    "siim-acr": siim,
    "covid-qu-ex": covid_qu,
    "covid-radiography": radiography,
    "kermany": kermany,
}
