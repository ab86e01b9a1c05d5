# The lines of the log with their search index, counts, jobs, saved searches. A site that has a log
# already gets the lines of what is in it.

import deskpost.models.logline
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from deskpost.models.lineindex import make_index, unmake_index
from deskpost.models.logline import fill
from deskpost.models.partitions import CreateLogTable


class Migration(migrations.Migration):

    dependencies = [
        ('deskpost', '0006_accounted_whole'),
    ]

    operations = [
        migrations.CreateModel(
            name='Job',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('due_at', models.DateTimeField(null=True)),
                ('owner', models.CharField(blank=True, default='', max_length=120)),
                ('attempt', models.PositiveIntegerField(default=0)),
                ('lease_until', models.DateTimeField(null=True)),
                ('suspect', models.BooleanField(default=False)),
                ('deaths', models.PositiveSmallIntegerField(default=0)),
                ('act', models.CharField(choices=[('process_again', 'Process Again'), ('send_again', 'Send Again'), ('export_mbox', 'Export Mbox'), ('export_zip', 'Export Zip')], max_length=16)),
                ('created_at', models.DateTimeField()),
                ('what', models.JSONField()),
                ('options', models.JSONField(default=dict)),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('running', 'Running'), ('done', 'Done'), ('cancelled', 'Cancelled'), ('failed', 'Failed')], default='waiting', max_length=10)),
                ('total', models.PositiveIntegerField(default=0)),
                ('looked_at', models.PositiveIntegerField(default=0)),
                ('made', models.PositiveIntegerField(default=0)),
                ('left_out', models.JSONField(default=dict)),
                ('last', models.UUIDField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('error', models.CharField(blank=True, max_length=64)),
                ('file_key', models.CharField(blank=True, max_length=120)),
                ('file_size', models.PositiveBigIntegerField(default=0)),
                ('file_until', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='LogCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('project_id', models.BigIntegerField()),
                ('log', models.CharField(max_length=3)),
                ('channel_id', models.BigIntegerField(default=0)),
                ('bucket', models.DateTimeField()),
                ('kind', models.CharField(blank=True, max_length=24)),
                ('status', models.CharField(max_length=10)),
                ('code', models.CharField(blank=True, max_length=24)),
                ('number', models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='LogDelta',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('project_id', models.BigIntegerField()),
                ('log', models.CharField(max_length=3)),
                ('channel_id', models.BigIntegerField(default=0)),
                ('bucket', models.DateTimeField()),
                ('kind', models.CharField(blank=True, max_length=24)),
                ('status', models.CharField(max_length=10)),
                ('code', models.CharField(blank=True, max_length=24)),
                ('number', models.BigIntegerField(default=0)),
            ],
        ),
        CreateLogTable(
            name='LogLine',
            fields=[
                ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ('project_id', models.BigIntegerField()),
                ('log', models.CharField(choices=[('in', 'in'), ('req', 'req'), ('inv', 'inv')], max_length=3)),
                ('channel_id', models.BigIntegerField(null=True)),
                ('status', models.CharField(max_length=10)),
                ('code', models.CharField(blank=True, max_length=24)),
                ('kind', models.CharField(blank=True, max_length=24)),
                ('key', models.CharField(blank=True, max_length=24)),
                ('address', models.CharField(blank=True, max_length=320)),
                ('size', models.PositiveBigIntegerField(default=0)),
                ('message_id', models.CharField(blank=True, max_length=255)),
                ('who', models.CharField(blank=True, max_length=600)),
                ('subject', models.CharField(blank=True, max_length=600)),
                ('tokens', deskpost.models.logline.Tokens(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='SavedSearch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80)),
                ('page', models.CharField(max_length=16)),
                ('query', models.CharField(max_length=2000)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name='SiteFact',
            fields=[
                ('name', models.CharField(max_length=40, primary_key=True, serialize=False)),
                ('value', models.JSONField()),
                ('changed_at', models.DateTimeField(auto_now=True)),
            ],
        ),
        migrations.AlterField(
            model_name='auditentry',
            name='act',
            field=models.CharField(choices=[('unblock', 'Unblock'), ('raw_download', 'Raw Download'), ('invite', 'Invite'), ('reprocess', 'Reprocess'), ('settings', 'Settings'), ('block', 'Block'), ('send_again', 'Send Again'), ('export', 'Export')], max_length=16),
        ),
        migrations.AddIndex(
            model_name='notification',
            index=models.Index(condition=models.Q(('due_at__isnull', False)), fields=['project', 'id'], name='note_waits'),
        ),
        migrations.AddField(
            model_name='job',
            name='by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='job',
            name='project',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='deskpost.project'),
        ),
        migrations.AddConstraint(
            model_name='logcount',
            constraint=models.UniqueConstraint(fields=('project_id', 'bucket', 'log', 'channel_id', 'kind', 'status', 'code'), name='log_count'),
        ),
        migrations.AddIndex(
            model_name='logline',
            index=models.Index(fields=['project_id', 'log', '-id'], name='line_by_log'),
        ),
        migrations.AddIndex(
            model_name='logline',
            index=models.Index(fields=['project_id', 'log', 'status', '-id'], name='line_by_status'),
        ),
        migrations.AddField(
            model_name='savedsearch',
            name='person',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='savedsearch',
            name='project',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='deskpost.project'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('due_at__isnull', False)), fields=['id'], name='job_due'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(fields=['project', '-id'], name='job_by_project'),
        ),
        migrations.AddConstraint(
            model_name='savedsearch',
            constraint=models.UniqueConstraint(fields=('person', 'project', 'name'), name='saved_search_name'),
        ),
        migrations.RunPython(make_index, unmake_index),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
