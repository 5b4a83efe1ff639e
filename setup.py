"""Build the compiled kernels: the folder kernels/ is installed as exacthat.kernels.

No processor flag is set here: the C primitives choose their vector width when the extension is
imported, so one wheel serves every machine of its platform, and nothing is linked with -ffast-math,
which would switch the whole Python process to flush-to-zero.
"""

import sys

from Cython.Build import cythonize
from setuptools import Extension, find_packages, setup

if sys.platform == "win32":
    compile_args, link_args = ["/O2", "/openmp"], []
elif sys.platform == "darwin":  # Apple's clang ships without OpenMP: build the kernels for one thread
    compile_args, link_args = ["-O3"], []
else:
    compile_args, link_args = ["-O3", "-fopenmp"], ["-fopenmp"]

ABI3 = {"define_macros": [("Py_LIMITED_API", "0x030B0000")], "py_limited_api": True}

extensions = [
    Extension(
        "exacthat.kernels.gravity.cy",
        sources=["kernels/gravity/cy.pyx", "kernels/gravity/primitives.c"],
        depends=[
            f"kernels/gravity/{name}"
            for name in (
                "primitives.h",
                "team.h",
                "memory.h",
                "primitives_simd.h",
                "primitives_simd16.h",
                "problem.pxi",
                "evaluation.pxi",
                "preconditioner.pxi",
                "pullback.pxi",
                "trade.pxi",
                "newton.pxi",
                "derivatives.pxi",
                "judge.pxi",
                "weights.pxi",
                "batch.pxi",
            )
        ],
        include_dirs=["kernels/gravity"],
        extra_compile_args=compile_args,
        extra_link_args=link_args,
        **ABI3,
    ),
]

kernels = ["exacthat.kernels", *(f"exacthat.kernels.{name}" for name in find_packages("kernels"))]

setup(
    packages=[*find_packages("src"), *kernels],
    package_dir={"": "src", "exacthat.kernels": "kernels"},
    package_data={
        "exacthat": ["datasets/data/*", "scenarios/*.toml", "report/country/*.j2"],
        "exacthat.kernels.gravity": ["*.pyx", "*.pxi", "*.h", "primitives.c"],
    },
    include_package_data=False,
    ext_modules=cythonize(extensions, language_level=3, annotate=False),
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
