import keras

from xraycore.models.architectures import peak_activation_bytes


def test_what_is_alive_at_once_is_counted():
    film = keras.Input((8, 8, 1))  # 64 floats
    wide = keras.layers.Conv2D(4, 3, padding="same")(film)  # 256
    small = keras.layers.MaxPooling2D(4)(wide)  # 2 x 2 x 4 = 16
    network = keras.Model(film, small)
    # The convolution holds its input and its output, the pooling 256 + 16.
    assert peak_activation_bytes(network) == 4 * (64 + 256)


def test_a_shortcut_is_held_until_it_is_added():
    film = keras.Input((8, 8, 1))
    first = keras.layers.Conv2D(4, 3, padding="same")(film)
    second = keras.layers.Conv2D(4, 3, padding="same")(first)
    third = keras.layers.Conv2D(4, 3, padding="same")(second)
    network = keras.Model(film, keras.layers.Add()([first, third]))
    # While the third is made the first waits: three maps of 256; so they do where they are added,
    # with the sum.
    assert peak_activation_bytes(network) == 4 * 3 * 256


def test_an_output_stays_until_the_end():
    film = keras.Input((8, 8, 1))
    features = keras.layers.Conv2D(4, 3, padding="same")(film)
    logits = keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(features))
    network = keras.Model(film, [logits, features])
    assert peak_activation_bytes(network) == 4 * (64 + 256)


def test_of_a_known_network(random_classifier):
    # VGG16's second convolution: 224 x 224 x 64 in and out, as its authors' table has it.
    assert peak_activation_bytes(random_classifier("vgg16").network) == 4 * 2 * 224 * 224 * 64
