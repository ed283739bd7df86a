# SPDX-License-Identifier: MIT OR Apache-2.0
"""python -m procfd"""

import sys

from ._cli import main

if __name__ == "__main__":
    sys.exit(main())
