from pages.shared.charts import probability_bars


def test_a_class_of_any_name_is_no_markup():
    page = probability_bars({"<b>Flu": 0.249, "Normal": 0.751}, "Normal")
    assert "&lt;b&gt;Flu" in page
    assert "<b>" not in page
    assert 'style="width:24.9%"' in page
    rows = page.split("<section")[1:]
    assert ['class="said"' in row for row in rows] == [False, True]
