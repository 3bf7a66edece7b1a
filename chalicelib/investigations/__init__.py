"""Investigations: sessions that find a cause step by step, keep every step, and survive whatever ends a worker."""

from chalicelib.investigations.desk import Desk
from chalicelib.investigations.office import NewInvestigation, Office

__all__ = ["Desk", "NewInvestigation", "Office"]
