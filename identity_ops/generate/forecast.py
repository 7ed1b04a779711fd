"""What an order is likely to take, before the first request."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from identity_ops.errors import ConfigError
from identity_ops.generate.order import Order
from identity_ops.generate.stage import Plan, borrowed, unknown_price
from identity_ops.knowledge import read_knowledge
from identity_ops.knowledge.stage import lint_stage
from identity_ops.plan import plan_stage
from identity_ops.teachers.base import Teacher, TeacherConfig


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

    Raises:
        KnowledgeError: lint found errors.
    """
    lint_stage(order.knowledge, folder / "lint")
    plan_stage(
        folder / "lint", folder / "plan", num=order.num, seed=order.seed,
        batch_size=order.batch_size, catalogue=order.catalogue,
    )  # fmt: skip
    with borrowed(None, order.teacher, read_knowledge(folder / "lint")) as teacher:
        return _add_up(teacher, order.teacher, folder / "plan")


def check_teacher(
    lint_dir: Path, plan_dir: Path, teacher: TeacherConfig, *, client: Teacher | None = None
) -> Forecast:
    """Before anything is mapped or spent: key, credit, and whether the cap can pay for the plan.

    Args:
        teacher: with the cap of the whole run.
        client: the teacher made of it, where the caller has one.

    Raises:
        AuthError: no key, or the provider refuses it.
        CreditError: nothing is left to spend.
        ConfigError: a cap with an unknown price, or one that the forecast passes.
    """
    with borrowed(client, teacher, read_knowledge(lint_dir)) as asked:
        asked.preflight()
        said = _add_up(asked, teacher, plan_dir)
    cap = teacher.max_cost_usd
    if cap is not None and said.cost_usd is None:
        raise unknown_price()
    if cap is not None and said.cost_usd is not None and said.cost_usd > cap:
        raise ConfigError(
            "the forecast passes the spend cap", where="max_cost_usd",
            expected=f"at least ${said.cost_usd:.4f}", got=f"${cap:.4f}",
            todo="Raise the cap, ask for fewer conversations, or take a cheaper model.",
        )  # fmt: skip
    return said


def _add_up(asked: Teacher, config: TeacherConfig, plan_dir: Path) -> Forecast:
    """Main cells alone: rejections add their share."""
    cells = [cell for cell in Plan.read(plan_dir).cells if not cell.spare]
    sizes = [asked.forecast(cell) for cell in cells]
    price = asked.price()
    return Forecast(
        conversations=len(cells), teacher=config.name,
        prompt_tokens=sum(size[0] for size in sizes),
        completion_tokens=sum(size[1] for size in sizes),
        cost_usd=round(sum(price.of(*size) for size in sizes), 6) if price else None,
    )  # fmt: skip
