"""What an order is likely to take, before the first request."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from identity_ops.errors import ConfigError
from identity_ops.generate.order import Order
from identity_ops.generate.stage import Plan, borrowed, likely_cost, unknown_price
from identity_ops.knowledge import read_knowledge
from identity_ops.knowledge.stage import lint_stage
from identity_ops.plan import plan_stage
from identity_ops.teachers.base import Teacher, TeacherConfig
from identity_ops.teachers.check import check_ready


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What the planned conversations are likely to take, one answer each.

    Rejected answers come on top, tokens from the provider's prompt cache make it cheaper. US
    dollars are None where no price is known.
    """

    conversations: int
    teacher: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    worst_usd: float | None  # a token a byte of the prompt, every answer at its limit
    price_source: str | None  # whose price, of which day
    cap_usd: float | None
    within_cap: bool | None  # None: no cap, or no price


def forecast(order: Order, folder: Path) -> Forecast:
    """Plan `order` in `folder` and add up what its cells are likely to take.

    Raises:
        KnowledgeError: lint found errors.
    """
    lint_stage(order.knowledge, folder / "lint")
    plan_stage(
        folder / "lint", folder / "plan", num=order.num, seed=order.seed,
        batch_size=order.batch_size, catalogue=order.catalogue, focus=order.focus,
    )  # fmt: skip
    with borrowed(None, order.teacher, read_knowledge(folder / "lint")) as teacher:
        return add_up(teacher, order.teacher, folder / "plan")


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
        check_ready(asked)
        said = add_up(asked, teacher, plan_dir)
    if said.cap_usd is not None and said.cost_usd is None:
        raise unknown_price()
    if said.within_cap is False:
        raise ConfigError(
            "the forecast passes the spend cap", where="max_cost_usd",
            expected=f"at least ${said.cost_usd:.4f}", got=f"${said.cap_usd:.4f}",
            todo="Raise the cap, ask for fewer conversations, or take a cheaper model.",
        )  # fmt: skip
    return said


def add_up(
    asked: Teacher, config: TeacherConfig, plan_dir: Path, *, after: Path | None = None
) -> Forecast:
    """The forecast of a committed plan's own cells; its spares are for rejections.

    Args:
        after: a plan that `plan_dir` continues; its cells are done already.
    """
    cells = [cell for cell in Plan.read(plan_dir, after).cells if not cell.spare]
    price = asked.price()
    sizes = [asked.forecast(cell) for cell in cells]
    cost = likely_cost(sizes, price)
    cap = config.max_cost_usd
    return Forecast(
        conversations=len(cells), teacher=config.name,
        model=str(asked.identity().get("model", config.name)),
        prompt_tokens=sum(size.prompt_tokens for size in sizes),
        completion_tokens=sum(size.completion_tokens for size in sizes),
        cost_usd=cost,
        worst_usd=round(sum(size.worst_usd for size in sizes), 6) if price else None,
        price_source=price.source if price else None,
        cap_usd=cap, within_cap=None if cap is None or cost is None else cost <= cap,
    )  # fmt: skip
