"""Where the finding was drawn: masks and boxes beside films, and films that stand twice."""

import cv2
import numpy as np
import pytest

from xraycore.datasets.labels import COVID, NORMAL
from xraycore.datasets.manifest import Manifest, Record, read_manifest
from xraycore.datasets.masks import Lesion, find_lesions
from xraycore.datasets.splits import join_copies, read_splits
from xraycore.errors import RadiographError


def write(file, value=0, corner=0):
    picture = np.full((8, 8), value, np.uint8)
    picture[0, 0] = corner
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    return file


@pytest.mark.parametrize("folder", ["infection_masks", "lesion_masks", "opacity_masks"])
def test_masks_lie_in_a_folder_beside_the_films(tmp_path, folder):
    films = [write(tmp_path / "images" / f"{name}.png") for name in "ab"]
    mask = write(tmp_path / folder / "a.png", 255)
    # Lungs are no finding.
    write(tmp_path / "lung_masks" / "b.png", 255)
    write(tmp_path / "masks" / "b.png", 255)
    assert find_lesions(films) == {films[0]: Lesion(mask)}


def test_a_folder_of_masks_is_no_class(tmp_path):
    write(tmp_path / "NORMAL" / "n.png")
    film = write(tmp_path / "COVID" / "c.png")
    mask = write(tmp_path / "lesion_masks" / "c.png", 255)
    found = {r.path: (r.label, r.lesion) for r in read_manifest(tmp_path).records}
    assert found == {
        tmp_path / "NORMAL" / "n.png": (NORMAL, None),
        film: (COVID, Lesion(mask)),
    }


def test_a_column_names_masks(tmp_path):
    for name in ("a", "b"):
        write(tmp_path / "images" / f"{name}.png")
        write(tmp_path / "lesion_masks" / f"{name}.png")
    (tmp_path / "labels.csv").write_text(
        "path,label,mask\nimages/a.png,COVID,drawn/one.png\nimages/b.png,COVID,\n"
    )
    first, second = read_manifest(tmp_path / "labels.csv").records
    assert first.lesion == Lesion(tmp_path / "drawn" / "one.png")
    # Where the column is empty, what lies beside the film counts.
    assert second.lesion == Lesion(tmp_path / "lesion_masks" / "b.png")


def test_boxes_in_shares_and_in_pixels(tmp_path):
    films = [write(tmp_path / "images" / f"{name}.png") for name in "abc"]
    (tmp_path / "boxes.csv").write_text(
        "path,label,x,y,w,h\nimages/a.png,NIH,512,256,128,64\nimages/a.png,NIH,0.5,0,0.25,1\n"
    )
    found = find_lesions(films)
    assert found == {films[0]: Lesion(boxes=((0.5, 0.25, 0.125, 0.0625), (0.5, 0.0, 0.25, 1.0)))}
    drawn = found[films[0]].draw()
    assert drawn.shape == (256, 256)
    expected = np.zeros((256, 256))
    expected[64:80, 128:160] = expected[:, 128:192] = 1
    np.testing.assert_array_equal(drawn, expected)


def test_boxes_in_pixels_of_films_of_another_size(tmp_path):
    films = [write(tmp_path / "images" / f"{name}.png") for name in "ab"]
    (tmp_path / "boxes.csv").write_text(
        "path,x,y,w,h,film_width,film_height\na.png,1000,500,500,1000,2000,4000\n"
        "b.png,512,256,128,64,,\n"
    )
    found = find_lesions(films)
    assert found[films[0]] == Lesion(boxes=((0.5, 0.125, 0.25, 0.25),))
    assert found[films[1]] == Lesion(boxes=((0.5, 0.25, 0.125, 0.0625),))


def test_boxes_as_the_rsna_challenge_has_them(tmp_path):
    images = tmp_path / "stage_2_train_images"
    films = [write(images / f"{name}.png") for name in ("ill", "well")]
    (tmp_path / "stage_2_train_labels.csv").write_text(
        "patientId,x,y,width,height,Target\nill,256,512,128,256,1\nwell,,,,,0\n"
    )
    assert find_lesions(films) == {films[0]: Lesion(boxes=((0.25, 0.5, 0.125, 0.25),))}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,left\na.png,1\n", "expected the columns path,x,y,w,h"),
        ("path,x,y,w,h\na,1,2,b,3\n", "line 2"),
        ("path,x,y,w,h\na,1500,20,100,30\n", "line 2: expected a box on a film of 1024 x 1024"),
        ("path,x,y,w,h\na,-0.5,0,0.2,0.3\n", "expected a box on a film of 1 x 1"),
    ],
)
def test_boxes_that_cannot_be_read_are_refused(tmp_path, text, said):
    film = write(tmp_path / "images" / "a.png")
    (tmp_path / "boxes.csv").write_text(text)
    with pytest.raises(ValueError, match=said):
        find_lesions([film])


def test_a_mask_is_read_as_it_is(tmp_path):
    drawn = Lesion(write(tmp_path / "mask.png", 0, 255)).draw()
    assert drawn.shape == (8, 8)
    assert drawn[0, 0] == drawn.sum() == 1
    with pytest.raises(RadiographError, match="lost.png: expected a mask image"):
        Lesion(tmp_path / "lost.png").draw()


def record(path, source, **facts):
    return Record(path, COVID, "", f"{source}/{path.stem}", source, **facts)


def test_a_copy_gives_its_lesion_to_the_film_that_it_copies(tmp_path):
    lesion, other = Lesion(tmp_path / "1.png"), Lesion(tmp_path / "2.png")
    first = record(tmp_path / "db" / "COVID" / "COVID-1.jpg", "db")
    # Of another folder, a film of the same name is another film.
    apart = record(tmp_path / "else" / "COVID-1.jpg", "else")
    copies = [
        record(tmp_path / f"{name}.jpg", "drawn", lesion=drawn, copy_of="db/COVID/COVID-1.jpg")
        for name, drawn in (("x", lesion), ("y", other))
    ]
    lone = record(tmp_path / "z.jpg", "drawn", lesion=other, copy_of="db/COVID/COVID-9.jpg")
    found = join_copies(Manifest((first, apart, *copies, lone))).records
    assert [(r.path, r.lesion) for r in found] == [
        (first.path, lesion),
        (apart.path, None),
        (lone.path, other),
    ]


def test_a_film_whose_copy_is_tested_on_is_never_trained_on(tmp_path):
    """Each copied film stays in its own split, and its copy stands in none."""
    for number in range(60):
        write(tmp_path / "db" / "COVID" / f"COVID-{number}.png", 3 * number)
        write(tmp_path / "db" / "Normal" / f"Normal-{number}.png", 3 * number + 1)
        write(tmp_path / "drawn" / "images" / f"c{number}.png", 3 * number, 7)
        write(tmp_path / "drawn" / "lesion_masks" / f"c{number}.png", 255)
    rows = [f"images/c{n}.png,COVID,db/COVID/COVID-{n}.png" for n in range(50)]
    rows += [f"images/c{n}.png,COVID," for n in range(50, 60)]
    table = tmp_path / "drawn" / "labels.csv"
    table.write_text("path,label,copy_of\n" + "\n".join(rows) + "\n")
    alone = read_splits(tmp_path / "db")
    both = read_splits([tmp_path / "db", table])
    assert {r.path: r.split for r in both.records if r.source == "db"} == {
        r.path: r.split for r in alone.records
    }
    assert {r.path.stem for r in both.records if r.source == "drawn"} == {
        f"c{n}" for n in range(50, 60)
    }
    drawn = {r.path.stem for r in both.records if r.lesion}
    assert drawn == {f"COVID-{n}" for n in range(50)} | {f"c{n}" for n in range(50, 60)}
    # A run on films with drawings is another run.
    assert Manifest(tuple(r for r in both.records if r.source == "db")).fingerprint() != (
        alone.fingerprint()
    )
