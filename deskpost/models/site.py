"""Small things that the site, or a person on it, remembers."""

from django.db import models

from deskpost.models.desk import Person, Project


class SavedSearch(models.Model):
    """A search of a project's log that a person wants to find again."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="+")
    project = models.ForeignKey(Project, models.CASCADE, related_name="+")
    name = models.CharField(max_length=80)
    page = models.CharField(max_length=16)  # which list: search, or a Log
    query = models.CharField(max_length=2000)  # the query string of its address
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "project", "name"], name="saved_search_name")
        ]


class SiteFact(models.Model):
    """Something that the site remembers of itself, under a name."""

    name = models.CharField(max_length=40, primary_key=True)
    value = models.JSONField()
    changed_at = models.DateTimeField(auto_now=True)
