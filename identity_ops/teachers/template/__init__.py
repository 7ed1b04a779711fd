"""The embedded teacher: conversations from templates, for any knowledge base."""

from identity_ops.teachers.template.teacher import TemplateTeacher

__all__ = ["TemplateTeacher"]
