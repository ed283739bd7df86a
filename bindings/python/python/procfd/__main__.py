# SPDX-License-Identifier: MIT OR Apache-2.0
"""python -m procfd"""

import sys

from ._cli import main

sys.exit(main())
