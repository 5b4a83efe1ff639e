"""``python -m exacthat`` is the command."""

from exacthat.cli import main

if __name__ == "__main__":
    main()
