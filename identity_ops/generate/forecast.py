"""What an order is likely to take, before the first request."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from identity_ops.generate.order import Order
from identity_ops.generate.stage import Plan, borrowed
from identity_ops.knowledge import read_knowledge
from identity_ops.knowledge.stage import lint_stage
from identity_ops.plan import plan_stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Tokens and US dollars; the cost is None where no price is known."""

    conversations: int
    teacher: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None


def forecast(order: Order, folder: Path) -> Forecast:
    """Plan `order` in `folder` and add up what its cells are likely to take.

    No rejections are counted; they add their share.

    Raises:
        KnowledgeError: lint found errors.
    """
    lint_stage(order.knowledge, folder / "lint")
    plan_stage(
        folder / "lint", folder / "plan", num=order.num, seed=order.seed,
        batch_size=order.batch_size, catalogue=order.catalogue,
    )  # fmt: skip
    with borrowed(None, order.teacher, read_knowledge(folder / "lint")) as teacher:
        cells = [cell for cell in Plan.read(folder / "plan").cells if not cell.spare]
        sizes = [teacher.forecast(cell) for cell in cells]
        prompt, completion = (sum(size[side] for size in sizes) for side in (0, 1))
        price = teacher.price()
        return Forecast(
            conversations=len(cells), teacher=order.teacher.name, prompt_tokens=prompt,
            completion_tokens=completion,
            cost_usd=round(sum(price.of(*size) for size in sizes), 6) if price else None,
        )  # fmt: skip
