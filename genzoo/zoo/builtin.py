"""The presets that come with genzoo, and what their files must hash to."""

from pathlib import Path

from genzoo.zoo.files import CONFIG, METADATA, WEIGHTS

# SHA-256 of config.json, metadata.json and model.weights.h5;
# `python -m genzoo.zoo hash FOLDER` prints a row.
_HASHES = {
    "boltzmann_digits_8x8": (
        "0452856344476ba94c7fd480d9a4fa5c9e12aef9b704010eb515c8f51dbf5895",
        "84edca2312d51be31409b8ffbd826115771866d458de1614a61e8a302ad36fed",
        "d00ee2e05a024657467effe750e138dda260fc6ca8cd44c1e1f717f93d9cc45b",
    ),
    "boltzmann_votes": (
        "af7be194d1346723fe494881cae0789d922b305b6c1e88be1503f3c21abb60b4",
        "c8de5e7f3200ca87b62875de5daee5de3ba5f2973834685d04ea4381da56f2fa",
        "eb447924d5863eadbe46e08dc8a655b8d0207f7f728ffde860c9d16e6cc03dcf",
    ),
    "dbm_digits_8x8": (
        "40e485eb713f92f6258350f0089266c5c71e22002abc25689e24f6016d24f16b",
        "d491f5f76a8ca0b50823231e44fe220f1c4a0648bf57f5cdd46d78c97a07f2af",
        "73c32f26220ec1b4d3a87dcb0557a60db6b79035ad1bda254c773deda0a6a103",
    ),
    "dbm_glyphs": (
        "1558affe9a729b02f1d4b133868e34d98622a61a4ee4e89baa0b18b081c85da0",
        "4269f9a1ca237b95d68343ebb5023313bd323d4f5db82a51c5640108d480ba3a",
        "bc8d94272cc8481e5f3120c89fcebfc63222edcd45ca848d7c9c2f0b732df800",
    ),
    "digit_features": (
        "547fb62f3f3deb1a17b3a3c5983f8364d98f690d24e4225d9c9a11f82ddaa97d",
        "95f8267e100fbee418f9416f4368845a353ce038ebe6deda6c7b1256ff22e5f6",
        "7f84faca340438b14d13aa4a04799d1a0b1ca8de7d7622b6ebd3e1b2ccf75eed",
    ),
    "energy_digits_8x8": (
        "03e10d2fa1e327e5578140a17755eca966071add240ff23fa8995239e0965b33",
        "52cbf29380595d49c7f4e11a7fdf6a828cbc6f81c9a7d14d00c23f417a99e658",
        "31e4a61107067eed2250c575e46bb1c6b8de85a0d595885b116b5041a04da5da",
    ),
    "energy_grid": (
        "9a63cce93120e77a297b69fe5b24a5473198d928e608940b9c112547fa072152",
        "6c1249f766d91d3dee2d87d4369da43159036daaa731fcded95052797ca2fd06",
        "dffc374dd7ac00752215e1267163a99223be2c70975b31ea60f946c075765bcf",
    ),
    "gan_events": (
        "7ffbc92ca10a2bdc6317db230c51231337199e030a142991b8eab44457d845d0",
        "72b52aa3baf01960fa182053f960681699c605b035d2613e887faeafad75e75e",
        "f8de5749b102d9812f16e6f9323e400d4711d949aa79cb97525d18697790f537",
    ),
    "gan_glyphs": (
        "6bc0185a005109d65cd908e003d756017a351ab615fe9c91b81dfde6341ce0f5",
        "e89f37bcc02c9d537f8366bbc32a9defe4fedbe0d249faa00fcc9b47c8c5a433",
        "40d7693c06bba95d4b79ca2967546c5ca96bfbcea5ddf6258dddce1d37a6d501",
    ),
    "gan_grid": (
        "b632a14facdc941ed62e318335e7855eef8f83ba42a84503edda829de034da96",
        "756b3b0ea64cef014bb0fe920be3585aa5ba8992d6145363cc1a150350d750e6",
        "122121c087b52abd93ef36ac6b5a77ecdf2d16e59635ab439f83171dd469c564",
    ),
    "gan_mnist": (
        "910818290d5aa1f221e1ef821a356d083e458d6ff4129d6da839a6a493c93949",
        "e85ee59a1c77183bf1d4c02e2d9fea4ff6b6acf90c940d3db39cdc769e764316",
        "3f308fd2d8ddff4097689552637a0c1b922fb0051b4c53bd7629b4742bb44146",
    ),
    "gan_mnist_conditional": (
        "d9fb190313202f994822a79f36b72c602a6fcec198828ff31999d2ee36f0b091",
        "3bba2770dfad8d4a2e58548b646418c8019d14ee705d5cf52db9730de5e9488d",
        "1239e6c64a3146b608c4773872739b6df3ca9d05a12d204c73aa1c1cf0a0fe10",
    ),
    "gan_penguins": (
        "982f63b9694a2680c91b52d8e40ddc11626c52a0f00b650ce9a88af135942b33",
        "10b757ebd8292dc88f121eaa8fbada93e3d3bfe07d230b8a666da1c7304780d8",
        "77e85edc758d3c55f09589757668d9de9b19db23d969dc125051e0e699907ddf",
    ),
    "gan_ring": (
        "b632a14facdc941ed62e318335e7855eef8f83ba42a84503edda829de034da96",
        "4d7b5f2923c0a0416038da2777e73a71df300f43272a0a27fb55e94a441e17a6",
        "ccaa1dcfd48b777b5af2bcd867ddacd4068d119e6f62f25b2294206c6cdd620d",
    ),
    "gaussian_rbm_patches": (
        "462ab4bfaa4e1ecb01ec0ac81d64e471b6059acd83d10e60451f336ca2fceb8d",
        "79401a3f02c55903d6d3cc9cad5fe4deef7a365160405d57428539fb20b4a135",
        "861d27177c01d927876d3e2fbb278b181851b7e0285d718a35e28d25ba5f882f",
    ),
    "ising_maxent_16_critical": (
        "ae64e80de3768f57934e070cb65a97eb9a4761edab4aa0ef56b91704a1419005",
        "25c5db993220b391492baed529f160e23d2b0c782114abac352bba8da3425026",
        "577d341e0a8ff9cc97452a9e430b354b422538ca83338ecc88aed78e30eb7960",
    ),
    "ising_maxent_8x8x8_critical": (
        "d066d57aba2961935e154d2bfe7350287d92cc38d0d8473b08511f4162d60194",
        "e17510b3e88f6bd81663a0b4fd9a9e375836b554fb1e674f6e8deb40713dbbcc",
        "49d22c96b2c996e785d5cfc8ad94cb7ef31a882f801c9958dfa6b3c128a15437",
    ),
    "ising_rbm_16_critical": (
        "396db96e2896eb2f55f83fc7204369d92b4587af4735bc7273075fd244a1c1aa",
        "48a3d43dcea0f5376d530d3bf7d99677d7c87cc242d0b5de657fcb07ce668421",
        "6ebc853f3f6d1bbece43f1d8281baf9e7abbbe35cb7e8be91b3f9e8612350c7c",
    ),
    "ising_rbm_16_disordered": (
        "396db96e2896eb2f55f83fc7204369d92b4587af4735bc7273075fd244a1c1aa",
        "6a9d0d1b879988c68851e9e484616a87a8dd81c0dacd633750bc38963814d440",
        "0eb99d3c6f2743335f559e6de6183f4cd44c424e5bf8f2b01e0c0362bf8c8c60",
    ),
    "ising_rbm_16_ordered": (
        "396db96e2896eb2f55f83fc7204369d92b4587af4735bc7273075fd244a1c1aa",
        "a4db0c9243222167534c7009e57ea3dc5f69ae0a9f3f67b501ed8525b5a78231",
        "69b656da3c4c02980515c27ffdbb259c6cdb75971cb2a87ed56796d9bb90e405",
    ),
    "potts_maxent_16_critical": (
        "a642e1bae2d20cb3ab117b0d765acd4ff4df56e1b484427940a58a7fb63a7420",
        "d48e0335e35ce5544bad8394da0f41d9dfc23c9205abb901fa46ce82f59f8440",
        "1e5321172f19bb70f7d226a63f959a774fe66bd098f2fa2114a4847f314235aa",
    ),
    "rbm_digits_8x8": (
        "bd9e0d5abd75a42207a46fea33b73e8e1232a8a668e77be33d2f799485097692",
        "ef381a571b406a2e127116e3a4c507b5a54d0d5c570e8d89d6cdee8287d6c1d9",
        "4713a789370f2bb67fb358bb3bc3d0c9330a1f154c8b0ec727d605e8f8d7b521",
    ),
    "rbm_digits_8x8_adversarial": (
        "7ae6e1edea471fa71876c3631d46dcbc62dcb5221b73d09deac51a427d1b7671",
        "ffdeb109eb33a6662704a6a95e9742845daca249a1fdbdbb470660ff6e548eda",
        "7903976e6ab355e32f129737435207436ed529fb68031db570c1cda262fee9e1",
    ),
    "rbm_glyphs": (
        "1edd229a5dd3ab9d9b8085928bba7a935e8c72374fb4cca3cc71897de6ceb3f6",
        "19a055350f139867aae90aa481eb9a0f88315686d2f02fbfd8447ca8994d006c",
        "01307607c2cd5581c6c92b2863713870bcfe96aa1f200ff0fbfe0e1a8b2fb6af",
    ),
    "rbm_mnist_500": (
        "a835d67b2ba13fee1124dd56636371dc242e3354136385f3bee4278ef79d71bc",
        "bbe73665a827ed247f4801ecb939aacd499167714c4a1ebc8e32ac6a9df56feb",
        "4bf582303994b414dd9c1ae2b1675bc63f586c43a9a462d726e18ab971c2481e",
    ),
    "rbm_mnist_500_stochastic": (
        "a835d67b2ba13fee1124dd56636371dc242e3354136385f3bee4278ef79d71bc",
        "87d9dd6b36046881acd2ecda7235f0f4ea1ad8f973633aac83aecd4ffa222c9c",
        "2cce75d7e478c2aecefd387358baf148cd56171092a256fb229128ee50485a4b",
    ),
    "xy_maxent_8x8": (
        "045bfa7525522819796bdfcf149c0169f9db14e832f30635a819dedf202c528c",
        "6caf6c6034bbe340b300e6ef4c2deae904ca7fbe19fe5e7eed302b00d4cd6186",
        "9b1e4b69dd4416598ab4a278baf3b0b418e45ee1ac8bbf9c206154bb91a59bda",
    ),
}
HASHES = {
    name: dict(zip((CONFIG, METADATA, WEIGHTS), hashes, strict=True))
    for name, hashes in _HASHES.items()
}


def root() -> Path:
    """The folder of all built-in presets."""
    package = Path(__file__).parents[1]
    # Where setup.cfg puts it in a wheel; else the checkout's own.
    inside = package / "saved_models"
    return inside if inside.is_dir() else package.parent / "saved_models"
