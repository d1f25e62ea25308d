"""Contact sheets: every image in its place, equal labels once, what the images are in words."""

import numpy as np

from vaentk.figures import contact_sheet


def test_images_stand_in_their_places_with_white_between() -> None:
    sheet = np.arange(2 * 3, dtype=np.uint8).reshape(2, 3, 1, 1, 1) * np.ones(
        (1, 1, 3, 4, 4), np.uint8
    )
    whole = contact_sheet.tiled(sheet)
    step = 4 + contact_sheet.GAP
    assert whole.shape == (2 * step - contact_sheet.GAP, 3 * step - contact_sheet.GAP, 3)
    for row in range(2):
        for column in range(3):
            cell = whole[row * step : row * step + 4, column * step : column * step + 4]
            assert (cell == 3 * row + column).all()
    assert (whole[4:step] == 255).all()
    assert (whole[:, 4:step] == 255).all()


def test_grey_images_have_no_channel() -> None:
    assert contact_sheet.tiled(np.zeros((1, 2, 1, 4, 4), np.uint8)).ndim == 2


def test_the_sheet_says_what_it_shows() -> None:
    sheet = np.zeros((3, 2, 3, 4, 4), np.uint8)
    labels = ["azimuth", "at random", "at random"]
    drawing = contact_sheet.draw(sheet, labels, "faces: stand-in, 12 images")
    assert drawing.alt == (
        "faces: stand-in, 12 images: 3 rows of 2 images; the rows: azimuth, at random."
    )
    assert "<image" in drawing.svg
    assert drawing == contact_sheet.draw(sheet, labels, "faces: stand-in, 12 images")
