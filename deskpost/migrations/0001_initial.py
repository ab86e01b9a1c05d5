# The tables as they began. Log tables are partitioned where the database is PostgreSQL.

import deskpost.models.ids
import deskpost.outcomes
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from deskpost.models.partitions import CreateLogTable


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Person',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('email', models.CharField(max_length=320)),
                ('email_key', models.CharField(editable=False, max_length=320, unique=True)),
                ('name', models.CharField(blank=True, max_length=200)),
                ('is_active', models.BooleanField(default=True)),
                ('is_site_admin', models.BooleanField(default=False)),
                ('language', models.CharField(blank=True, max_length=8)),
                ('time_zone', models.CharField(blank=True, max_length=64)),
                ('theme', models.CharField(blank=True, max_length=8)),
                ('address_private', models.BooleanField(default=False)),
                ('unsubscribed_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Project',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=10, unique=True)),
                ('name', models.CharField(max_length=120)),
                ('kind', models.CharField(choices=[('company', 'Company-managed'), ('team', 'Team-managed')], default='company', max_length=8)),
                ('language', models.CharField(default='en', max_length=8)),
                ('next_number', models.PositiveIntegerField(default=1)),
                ('signup_open', models.BooleanField(default=True)),
                ('closed_opens_new', models.BooleanField(default=False)),
                ('copies_become_participants', models.BooleanField(default=True)),
                ('block_list', models.TextField(blank=True)),
                ('allow_list', models.TextField(blank=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name='QuotaPeriod',
            fields=[
                ('day', models.DateField(primary_key=True, serialize=False)),
                ('sent', models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='Suppression',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('address', models.CharField(max_length=320)),
                ('address_key', models.CharField(max_length=320, unique=True)),
                ('cause', models.CharField(choices=[('hard_bounce', 'Hard Bounce'), ('complaint', 'Complaint'), ('by_hand', 'By Hand')], max_length=12)),
                ('evidence', models.JSONField(default=dict)),
                ('created_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Comment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('is_description', models.BooleanField(default=False)),
                ('source', models.CharField(choices=[('email', 'Email'), ('web', 'Web')], max_length=8)),
                ('text', models.TextField()),
                ('rest', models.TextField(blank=True)),
                ('html', models.TextField(blank=True)),
                ('incoming', models.UUIDField(db_index=True, null=True)),
                ('created_at', models.DateTimeField()),
                ('author', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Attachment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=255)),
                ('content_type', models.CharField(max_length=120)),
                ('size', models.PositiveBigIntegerField()),
                ('sha256', models.CharField(max_length=64)),
                ('storage_key', models.CharField(max_length=120)),
                ('comment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='attachments', to='deskpost.comment')),
            ],
        ),
        CreateLogTable(
            name='Notification',
            fields=[
                ('due_at', models.DateTimeField(null=True)),
                ('owner', models.CharField(blank=True, default='', max_length=120)),
                ('attempt', models.PositiveIntegerField(default=0)),
                ('lease_until', models.DateTimeField(null=True)),
                ('suspect', models.BooleanField(default=False)),
                ('deaths', models.PositiveSmallIntegerField(default=0)),
                ('id', models.UUIDField(default=deskpost.models.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(max_length=24)),
                ('event', models.UUIDField(null=True)),
                ('address', models.CharField(max_length=320)),
                ('address_key', models.CharField(max_length=320)),
                ('request_key', models.CharField(blank=True, max_length=24)),
                ('created_at', models.DateTimeField()),
                ('status', models.CharField(default=deskpost.outcomes.NotificationStatus['QUEUED'], max_length=10)),
                ('reason', models.CharField(blank=True, max_length=24)),
                ('facts', models.JSONField(default=dict)),
                ('trail', models.JSONField(default=list)),
                ('subject', models.CharField(blank=True, max_length=500)),
                ('message_id', models.CharField(blank=True, max_length=255)),
                ('language', models.CharField(blank=True, max_length=8)),
                ('raw_key', models.CharField(blank=True, max_length=120)),
                ('raw_size', models.PositiveBigIntegerField(default=0)),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('settled_at', models.DateTimeField(null=True)),
                ('comment', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='deskpost.comment')),
                ('person', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('project', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='deskpost.project')),
            ],
        ),
        CreateLogTable(
            name='Attempt',
            fields=[
                ('id', models.UUIDField(default=deskpost.models.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('started_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('server', models.CharField(blank=True, max_length=320)),
                ('result', models.CharField(blank=True, max_length=10)),
                ('code', models.PositiveSmallIntegerField(null=True)),
                ('enhanced', models.CharField(blank=True, max_length=16)),
                ('answer', models.TextField(blank=True)),
                ('notification', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='attempts', to='deskpost.notification')),
            ],
        ),
        migrations.CreateModel(
            name='Channel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('on_demand', 'on-demand'), ('custom', 'custom')], default='on_demand', max_length=10)),
                ('address', models.CharField(max_length=320)),
                ('address_key', models.CharField(editable=False, max_length=320, unique=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='channels', to='deskpost.project')),
            ],
        ),
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(auto_now_add=True)),
                ('act', models.CharField(choices=[('unblock', 'Unblock'), ('raw_download', 'Raw Download'), ('invite', 'Invite')], max_length=16)),
                ('subject', models.CharField(max_length=320)),
                ('details', models.JSONField(default=dict)),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('project', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='deskpost.project')),
            ],
        ),
        migrations.CreateModel(
            name='Request',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('key', models.CharField(max_length=24, unique=True)),
                ('summary', models.CharField(max_length=255)),
                ('status', models.CharField(choices=[('open', 'Waiting for support'), ('pending', 'Waiting for customer'), ('resolved', 'Resolved'), ('closed', 'Closed')], default='open', max_length=10)),
                ('created_at', models.DateTimeField()),
                ('updated_at', models.DateTimeField()),
                ('resolved_at', models.DateTimeField(null=True)),
                ('channel', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='deskpost.channel')),
                ('follows', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='followers', to='deskpost.request')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='requests', to='deskpost.project')),
                ('reporter', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.AddField(
            model_name='notification',
            name='request',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='deskpost.request'),
        ),
        migrations.CreateModel(
            name='MessageId',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('message_id', models.CharField(max_length=255)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='deskpost.project')),
                ('request', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='message_ids', to='deskpost.request')),
            ],
        ),
        CreateLogTable(
            name='Event',
            fields=[
                ('due_at', models.DateTimeField(null=True)),
                ('owner', models.CharField(blank=True, default='', max_length=120)),
                ('attempt', models.PositiveIntegerField(default=0)),
                ('lease_until', models.DateTimeField(null=True)),
                ('suspect', models.BooleanField(default=False)),
                ('deaths', models.PositiveSmallIntegerField(default=0)),
                ('id', models.UUIDField(default=deskpost.models.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(max_length=24)),
                ('incoming', models.UUIDField(null=True)),
                ('quiet', models.BooleanField(default=False)),
                ('actor', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('comment', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='deskpost.comment')),
                ('person', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('project', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='deskpost.project')),
                ('request', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='deskpost.request')),
            ],
        ),
        migrations.AddField(
            model_name='comment',
            name='request',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='comments', to='deskpost.request'),
        ),
        migrations.CreateModel(
            name='RequestType',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120)),
                ('required_fields', models.JSONField(blank=True, default=list)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='request_types', to='deskpost.project')),
            ],
        ),
        migrations.AddField(
            model_name='request',
            name='request_type',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='deskpost.requesttype'),
        ),
        migrations.AddField(
            model_name='channel',
            name='request_type',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='deskpost.requesttype'),
        ),
        migrations.CreateModel(
            name='Seen',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('fingerprint', models.CharField(max_length=64)),
                ('incoming', models.UUIDField()),
                ('request_key', models.CharField(blank=True, max_length=24)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='deskpost.project')),
            ],
        ),
        migrations.CreateModel(
            name='SentOnce',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('event', models.UUIDField()),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('admin', 'project admin'), ('agent', 'agent'), ('customer', 'customer')], max_length=8)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to=settings.AUTH_USER_MODEL)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='deskpost.project')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('project', 'person'), name='one_role_in_a_project')],
            },
        ),
        CreateLogTable(
            name='InboundEmail',
            fields=[
                ('due_at', models.DateTimeField(null=True)),
                ('owner', models.CharField(blank=True, default='', max_length=120)),
                ('attempt', models.PositiveIntegerField(default=0)),
                ('lease_until', models.DateTimeField(null=True)),
                ('suspect', models.BooleanField(default=False)),
                ('deaths', models.PositiveSmallIntegerField(default=0)),
                ('id', models.UUIDField(default=deskpost.models.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('transport', models.CharField(choices=[('smtp', 'Smtp'), ('lmtp', 'Lmtp'), ('import', 'Import')], max_length=8)),
                ('received_at', models.DateTimeField()),
                ('envelope_from', models.CharField(blank=True, max_length=320)),
                ('envelope_to', models.CharField(max_length=320)),
                ('client', models.CharField(blank=True, max_length=320)),
                ('raw_key', models.CharField(blank=True, max_length=120)),
                ('raw_size', models.PositiveBigIntegerField(default=0)),
                ('raw_sha256', models.CharField(blank=True, max_length=64)),
                ('oversize_bytes', models.PositiveBigIntegerField(null=True)),
                ('status', models.CharField(default=deskpost.outcomes.IncomingStatus['PROCESSING'], max_length=10)),
                ('outcome', models.CharField(blank=True, max_length=24)),
                ('facts', models.JSONField(default=dict)),
                ('trail', models.JSONField(default=list)),
                ('sender', models.CharField(blank=True, max_length=320)),
                ('sender_key', models.CharField(blank=True, max_length=320)),
                ('sender_name', models.CharField(blank=True, max_length=200)),
                ('subject', models.CharField(blank=True, max_length=500)),
                ('message_id', models.CharField(blank=True, max_length=255)),
                ('request_key', models.CharField(blank=True, max_length=24)),
                ('settled_at', models.DateTimeField(null=True)),
                ('channel', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='deskpost.channel')),
                ('project', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='deskpost.project')),
            ],
            options={
                'indexes': [models.Index(fields=['channel', '-id'], name='inbound_by_channel'), models.Index(fields=['channel', 'status', '-id'], name='inbound_by_status'), models.Index(fields=['project', 'sender_key', '-id'], name='inbound_by_sender'), models.Index(fields=['project', 'request_key', '-id'], name='inbound_by_key'), models.Index(condition=models.Q(('due_at__isnull', False)), fields=['project', 'id'], name='inbound_due')],
            },
        ),
        migrations.CreateModel(
            name='Participant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('added_at', models.DateTimeField(auto_now_add=True)),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('request', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='participants', to='deskpost.request')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('request', 'person'), name='participant_once')],
            },
        ),
        migrations.AddIndex(
            model_name='notification',
            index=models.Index(fields=['project', 'status', '-id'], name='note_by_status'),
        ),
        migrations.AddIndex(
            model_name='notification',
            index=models.Index(fields=['project', 'address_key', '-id'], name='note_by_address'),
        ),
        migrations.AddIndex(
            model_name='notification',
            index=models.Index(fields=['project', 'request_key', '-id'], name='note_by_key'),
        ),
        migrations.AddIndex(
            model_name='notification',
            index=models.Index(condition=models.Q(('due_at__isnull', False)), fields=['id'], name='note_due'),
        ),
        migrations.AddConstraint(
            model_name='messageid',
            constraint=models.UniqueConstraint(fields=('project', 'message_id'), name='message_id_in_project'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(condition=models.Q(('due_at__isnull', False)), fields=['id'], name='event_due'),
        ),
        migrations.AddIndex(
            model_name='comment',
            index=models.Index(fields=['request', 'id'], name='comment_order'),
        ),
        migrations.AddIndex(
            model_name='request',
            index=models.Index(fields=['project', '-updated_at'], name='request_recent'),
        ),
        migrations.AddConstraint(
            model_name='request',
            constraint=models.UniqueConstraint(fields=('project', 'number'), name='number_in_project'),
        ),
        migrations.AddConstraint(
            model_name='seen',
            constraint=models.UniqueConstraint(fields=('project', 'fingerprint'), name='seen_in_project'),
        ),
        migrations.AddConstraint(
            model_name='sentonce',
            constraint=models.UniqueConstraint(fields=('event', 'person'), name='sent_once'),
        ),
    ]
